// SPDX-License-Identifier: MIT
#include "fw_cfg/fw_cfg_io.h"

#include "backplane/machine.h"

namespace backplane::pc {

namespace {

// Offsets of the selector (16 bits) and data (8 bits) registers, and of the DMA address.
constexpr u64 kSelectorPort = 0, kDataPort = 1;
constexpr u16 kDmaOffset = 4;

}  // namespace

void FwCfgIo::class_init(DeviceClass& k) { k.state<&FwCfgIo::fw_cfg_>(1); }

void FwCfgIo::realize() {
  fw_cfg_ = std::make_unique<FwCfg>(machine().memory());
  add_ports("fw_cfg", kBase, 2,
            MmioHandler::of<&FwCfgIo::read, &FwCfgIo::write>(*this).sizes(1, 2));
  add_ports("fw_cfg-dma", kBase + kDmaOffset, 8,
            MmioHandler::of<&FwCfgIo::read_dma, &FwCfgIo::write_dma>(*this).sizes(4, 4));
}

void FwCfgIo::unrealize() { fw_cfg_.reset(); }

u64 FwCfgIo::read(u64 offset, unsigned /*size*/) {
  return offset == kDataPort ? fw_cfg_->read_byte() : 0;
}
void FwCfgIo::write(u64 offset, u64 value, unsigned size) {
  if (offset == kSelectorPort && size == 2) fw_cfg_->select(static_cast<u16>(value));
}

u64 FwCfgIo::read_dma(u64 offset, unsigned /*size*/) {
  return fw_cfg_->read_dma(static_cast<unsigned>(offset));
}
void FwCfgIo::write_dma(u64 offset, u64 value, unsigned /*size*/) {
  fw_cfg_->write_dma(static_cast<unsigned>(offset), static_cast<u32>(value));
}

BACKPLANE_REGISTER(FwCfgIo, .board_only = true, .description = "Firmware configuration")

aml::Bytes FwCfgIo::acpi_terms() const {
  using namespace aml;
  return device("FWCF", join({
                            name("_HID", string("QEMU0002")),
                            name("_STA", integer(0x0b)),
                            name("_CRS", resource_template({io_ports(kBase, kPorts)})),
                        }));
}

}  // namespace backplane::pc
