// SPDX-License-Identifier: MIT
// The i440FX: a PCI host bridge ("i440FX-pcihost") and its function 00.0 ("i440FX", 8086:1237),
// with the registers that say what answers in the legacy areas of memory. [440FX "PCI Configuration
// Registers"]
#pragma once

#include <functional>

#include "acpi/described.h"
#include "backplane/pci/host_bridge.h"
#include "board/memory_map.h"

namespace backplane::pc {

class I440fxHostBridge final : public PciHostBridge, public AcpiDescribed {
  BACKPLANE_OBJECT(I440fxHostBridge, PciHostBridge, "i440FX-pcihost")
 public:
  static void class_init(DeviceClass& k) { k.stateless(); }

  // How one of the legacy areas between C0000h and FFFFFh answers: from RAM, or not.
  // [440FX 3.2.19 "PAM[6:0]-Programmable Attribute Map Registers"]
  struct LegacyArea {
    u64 address = 0;
    u64 size = 0;
    bool reads_ram = false;
    bool writes_ram = false;
    bool operator==(const LegacyArea&) const = default;
  };
  // Called for each area when its attributes change, and for all of them at reset. Machine lock.
  void set_legacy_area_handler(std::function<void(const LegacyArea&)> handler) {
    legacy_area_handler_ = std::move(handler);
  }

  // Where RAM is, and BARs may be; before anybody asks what the tables say.
  void set_memory_map(const MemoryMap& map) { map_ = map; }

  void realize();
  aml::Bytes acpi_terms() const override;

 private:
  friend class I440fx;
  MemoryMap map_;
  std::function<void(const LegacyArea&)> legacy_area_handler_;
};

}  // namespace backplane::pc
