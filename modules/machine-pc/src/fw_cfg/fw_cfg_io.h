// SPDX-License-Identifier: MIT
// "fw_cfg_io": the firmware configuration device at ports 510h to 51Bh.
#pragma once

#include <memory>

#include "acpi/described.h"
#include "backplane/isa/isa_device.h"
#include "fw_cfg/fw_cfg.h"

namespace backplane::pc {

class FwCfgIo final : public IsaDevice, public AcpiDescribed {
  BACKPLANE_OBJECT(FwCfgIo, IsaDevice, "fw_cfg_io")
 public:
  static constexpr u16 kBase = 0x510;
  static constexpr u16 kPorts = 12;

  // From realize() on.
  FwCfg& fw_cfg() { return *fw_cfg_; }

  static void class_init(DeviceClass& k);

  void realize();
  void unrealize();
  aml::Bytes acpi_terms() const override;

 private:
  u64 read(u64 offset, unsigned size);
  void write(u64 offset, u64 value, unsigned size);
  u64 read_dma(u64 offset, unsigned size);
  void write_dma(u64 offset, u64 value, unsigned size);

  std::unique_ptr<FwCfg> fw_cfg_;
};

}  // namespace backplane::pc
