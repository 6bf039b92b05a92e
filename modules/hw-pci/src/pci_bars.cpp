// SPDX-License-Identifier: MIT
// Base address registers and the expansion ROM of a function: what they say, and where their
// regions decode. [PCI §6.2.5 "Base Addresses"]
#include <algorithm>
#include <bit>
#include <cerrno>

#include "backplane/error.h"
#include "backplane/firmware_config.h"
#include "backplane/firmware_file.h"
#include "backplane/host_file.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/pci/pci_bus.h"
#include "backplane/pci/pci_device.h"
#include "expansion_rom.h"

namespace backplane {

using namespace pci;

namespace {

bool is_64bit(BarType type) {
  return type == BarType::Memory64 || type == BarType::Memory64Prefetchable;
}

u32 type_bits(BarType type) {
  switch (type) {
    case BarType::Io:
      return kBarIo;
    case BarType::Memory32:
      return 0;
    case BarType::Memory64:
      return kBarMemory64;
    case BarType::Memory64Prefetchable:
      return kBarMemory64 | kBarPrefetchable;
  }
  return 0;
}

// Address bits of a register: the rest of it says what it is.
constexpr u64 kIoAddressMask = ~u64{0x3};
constexpr u64 kMemoryAddressMask = ~u64{0xf};

}  // namespace

unsigned PciDevice::bar_register(unsigned index) const {
  return index == kRomBar ? unsigned{kExpansionRom} : kBar0 + 4 * index;
}

MemoryRegion& PciDevice::add_bar(unsigned index, std::unique_ptr<MemoryRegion> region,
                                 BarType type) {
  const bool wide = is_64bit(type);
  if (index >= kRomBar || (wide && index + 1 >= kRomBar) || bars_[index].region ||
      (wide && bars_[index + 1].region) || (index > 0 && is_64bit(bars_[index - 1].type)))
    throw Error::of("{}: BAR {} does not exist or is taken", type_name(), index);
  Bar& bar = bars_[index];
  bar.type = type;
  bar.size = std::bit_ceil(std::max<u64>(region->size(), type == BarType::Io ? 4 : 16));
  bar.region = std::move(region);
  const unsigned at = bar_register(index);
  const u64 writable = ~(bar.size - 1);
  config_.set32(at, type_bits(type));
  config_.set_writable32(at, static_cast<u32>(writable));
  if (wide) {
    config_.set32(at + 4, 0);
    config_.set_writable32(at + 4, static_cast<u32>(writable >> 32));
  }
  return *bar.region;
}

MemoryRegion& PciDevice::add_bar(unsigned index, u64 size, const MmioHandler& handler,
                                 BarType type) {
  return add_bar(
      index, MemoryRegion::mmio(fmt::format("{} bar {}", type_name(), index), size, handler), type);
}

void PciDevice::add_rom(std::shared_ptr<RamBlock> rom) {
  Bar& bar = bars_[kRomBar];
  if (bar.region) throw Error::of("{}: the expansion ROM is there already", type_name());
  const u64 size = rom->size();
  bar.size = std::bit_ceil(std::max<u64>(size, 2_KiB));
  bar.region = MemoryRegion::rom(fmt::format("{} rom", type_name()), std::move(rom), 0, size);
  config_.set32(kExpansionRom, 0);
  config_.set_writable32(kExpansionRom, static_cast<u32>(~(bar.size - 1)) | kRomEnable);
}

void PciDevice::load_rom(const std::string& name) {
  constexpr u64 kLargest = 16_MiB;
  HostFile file;
  std::shared_ptr<RamBlock> rom;
  u64 size = 0;
  int error = file.open(find_firmware_file(name).value_or(name));
  if (error == 0) error = file.read_to_ram(fmt::format("{} rom", type_name()), kLargest, rom, size);
  if (error != 0 && error != EFBIG) throw Error::system("romfile=" + name, error);
  if (error == EFBIG || size == 0)
    throw Error::of("romfile={}: has {} bytes; an expansion ROM has 1 byte to {} MiB", name,
                    error == EFBIG ? "too many" : "no", kLargest >> 20);
  add_rom(std::move(rom));
}

void PciDevice::load_rom_file() {
  if (!rom_file_.empty()) return load_rom(rom_file_);
  const auto* const firmware = machine().service<FirmwareConfiguration>();
  const char* const usual = pci_class().option_rom;
  if (usual == nullptr || firmware == nullptr || !firmware->runs_option_roms()) return;
  const auto path = find_firmware_file(usual);
  if (!path) return;
  load_rom(*path);
  RamBlock& rom = *bars_[kRomBar].region->block();
  claim_expansion_rom({rom.host(), rom.size()}, config_.get16(kVendorId), config_.get16(kDeviceId));
}

std::optional<u64> PciDevice::bar_address(unsigned index) const {
  const Bar& bar = bars_.at(index);
  if (!bar.mapped) return std::nullopt;
  return bar.region->address();
}

// Where the registers say that a BAR decodes, or nothing: decoding is off, the address is that of
// a BAR nobody has set or is being sized, or it wraps around.
std::optional<u64> PciDevice::decoded_address(unsigned index) const {
  const Bar& bar = bars_[index];
  const u16 command = config_.get16(kCommand);
  const unsigned at = bar_register(index);
  u64 address = config_.get32(at);
  u64 limit = 0xffff'ffff;
  if (bar.type == BarType::Io) {
    if ((command & kCommandIo) == 0) return std::nullopt;
    address &= kIoAddressMask;
    limit = 0xffff;
  } else {
    if ((command & kCommandMemory) == 0) return std::nullopt;
    if (index == kRomBar) {
      if ((address & kRomEnable) == 0) return std::nullopt;
      address &= ~u64{0x7ff};
    } else {
      address &= kMemoryAddressMask;
    }
    if (is_64bit(bar.type)) {
      address |= static_cast<u64>(config_.get32(at + 4)) << 32;
      limit = ~u64{0};
    }
  }
  address &= ~(bar.size - 1);
  const u64 last = address + bar.size - 1;
  if (address == 0 || last < address || last >= limit) {
    // The last port of all is a legal place; the last byte of memory marks a BAR being sized.
    if (!(bar.type == BarType::Io && address != 0 && last == limit)) return std::nullopt;
  }
  return address;
}

void PciDevice::update_mappings() {
  const MemoryRegion::Batch batch;
  for (unsigned i = 0; i < kBars; ++i) {
    Bar& bar = bars_[i];
    if (!bar.region) continue;
    MemoryRegion& space = bar.type == BarType::Io ? pci_bus().io_space() : pci_bus().memory_space();
    const std::optional<u64> address = decoded_address(i);
    if (bar.mapped == address.has_value() && (!bar.mapped || bar.region->address() == *address))
      continue;
    if (bar.mapped) space.remove_subregion(*bar.region);
    bar.mapped = address.has_value();
    if (address) space.add_subregion(*address, *bar.region);
    log::print(LogCategory::Pci, "pci {} {}: {} {}", PropertyTraits<PciAddress>::print(address_),
               type_name(), i == kRomBar ? std::string("rom") : fmt::format("bar {}", i),
               address ? fmt::format("at {:#x}", *address) : std::string("off"));
  }
}

void PciDevice::unmap_all() {
  const MemoryRegion::Batch batch;
  for (Bar& bar : bars_) {
    if (!bar.mapped) continue;
    if (MemoryRegion* space = bar.region->parent(); space != nullptr)
      space->remove_subregion(*bar.region);
    bar.mapped = false;
  }
}

}  // namespace backplane
