// SPDX-License-Identifier: MIT
#include "vga_device.h"

#include <bit>

#include "backplane/error.h"
#include "backplane/firmware_file.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/pci/pci_bus.h"
#include "planes.h"

namespace backplane::vga {

namespace {

constexpr u64 kWindow = 0xa0000;
constexpr u64 kLinearWindow = 64_KiB;
constexpr u32 kLeastMemory = 1, kMostMemory = 256;  // MiB
constexpr int kOverWindow = 1;

// Registers of BAR 2.
constexpr u64 kRegistersSize = 4_KiB;
constexpr u64 kPortsAt = 0x400, kPortsEndAt = 0x420, kDispiAt = 0x500, kDispiEndAt = 0x516,
              kExtendedAt = 0x600;
constexpr u32 kExtendedSize = 8, kLittleEndian = 0x1e1e1e1e;

constexpr const char* kRomPackage = "seabios";

u32 piece(u32 value, u64 offset, unsigned size) {
  return value >> (8 * offset) & (size >= 4 ? ~u32{0} : (u32{1} << (8 * size)) - 1);
}

}  // namespace

BACKPLANE_TYPE(Vga, "VGA", .category = "Display",
               .description = "Standard VGA with Bochs VBE extensions")

void Vga::class_init(PciDeviceClass& k) {
  k.identity = {.vendor = 0x1234,
                .device = 0x1111,
                .revision = 2,
                .class_code = 0x03'00'00,
                .subsystem_vendor = 0x1af4,
                .subsystem = 0x1100};
  k.hotpluggable = false;
  k.property<&Vga::rom_file_>("romfile", "file with the expansion ROM; empty: there is none");
  k.property<&Vga::memory_mib_>("vgamem_mb", "MiB of video memory, a power of two from 1 to 256");
  k.property<&Vga::has_edid_>("edid", "its monitor says what it is");
  k.property<&Vga::width_>("xres", "pixels that the monitor is wide");
  k.property<&Vga::height_>("yres", "pixels that the monitor is high");
  k.state<&Vga::registers_>(1);
}

void Vga::realize() {
  if (memory_mib_ < kLeastMemory || memory_mib_ > kMostMemory || !std::has_single_bit(memory_mib_))
    throw Error::of("vgamem_mb={}: expects a power of two from {} to {}", memory_mib_, kLeastMemory,
                    kMostMemory);
  for (const auto& [name, value] : {std::pair{"xres", width_}, std::pair{"yres", height_}})
    if (value < 1 || value >= Screen::kMostPixels)
      throw Error::of("{}={}: expects 1 to {}", name, value, Screen::kMostPixels - 1);
  if (has_edid_) edid_ = make_edid(width_, height_);
  memory_ = std::make_shared<RamBlock>(fmt::format("{:02x}.vga.vram", devfn()), memory_mib_ << 20);
  painter_.emplace(registers_, *memory_);
  dirty_.emplace(memory_->size());

  load_rom_file();
  add_bar(0, MemoryRegion::ram("vga.vram", memory_, 0, memory_->size()));
  add_bar(2, kRegistersSize,
          MmioHandler::of<&Vga::read_registers, &Vga::write_registers>(*this).sizes(1, 4));
  ports_ = MemoryRegion::mmio(
      "vga ports", kPortsEnd - kFirstPort,
      MmioHandler::of<&Vga::read_legacy_port, &Vga::write_legacy_port>(*this).sizes(1, 1));
  pci_bus().io_space().add_subregion(kFirstPort, *ports_);
  MmioHandler dispi =
      MmioHandler::of<&Vga::read_dispi_port, &Vga::write_dispi_port>(*this).sizes(1, 2);
  dispi.unaligned = true;
  dispi_ = MemoryRegion::mmio("vga dispi", kDispiPorts, dispi);
  pci_bus().io_space().add_subregion(kDispiIndexPort, *dispi_);
  window_ =
      MemoryRegion::mmio("vga window", kWindowSize,
                         MmioHandler::of<&Vga::read_window, &Vga::write_window>(*this).sizes(1, 1));
  pci_bus().memory_space().add_subregion(kWindow, *window_);
  linear_window_ = MemoryRegion::ram("vga linear window", memory_, 0, kLinearWindow);
  linear_window_->set_enabled(false);
}

// Without the usual one there is a screen all the same, for who needs no firmware to use it.
void Vga::load_rom_file() {
  if (rom_file_.empty() || !get_value("rombar").as_bool()) return;
  if (rom_file_ != kUsualRom || find_firmware_file(kUsualRom)) return load_rom(rom_file_);
  log::warn(fmt::format("{}: {} is missing, so firmware shows nothing: install the package {}",
                        type_name(), kUsualRom, kRomPackage));
}

void Vga::unrealize() {
  log_.reset();
  linear_window_.reset();
  window_.reset();
  dispi_.reset();
  ports_.reset();
}

void Vga::reset() {
  PciDevice::reset();
  all_changed_ = true;
  update_window();
}

void Vga::loaded() {
  PciDevice::loaded();
  limit_dispi(registers_, memory_->size());
  all_changed_ = true;
  update_window();
}

// --- ports ------------------------------------------------------------------------------------

void Vga::change_port(u16 port, u8 value) {
  if (write_port(registers_, port, value)) all_changed_ = true;
  if (port == kSequencerData || port == kGraphicsData) update_window();
}

void Vga::change_dispi(u16 index, u16 value) {
  write_dispi(registers_, index, value, *memory_);
  if (index != kDispiBank) all_changed_ = true;
  update_window();
}

u64 Vga::read_legacy_port(u64 offset, unsigned /*size*/) {
  return read_port(registers_, static_cast<u16>(kFirstPort + offset));
}

void Vga::write_legacy_port(u64 offset, u64 value, unsigned /*size*/) {
  change_port(static_cast<u16>(kFirstPort + offset), static_cast<u8>(value));
}

u64 Vga::read_dispi_port(u64 offset, unsigned /*size*/) {
  return offset == 0 ? registers_.dispi_index
                     : read_dispi(registers_, registers_.dispi_index, memory_->size());
}

void Vga::write_dispi_port(u64 offset, u64 value, unsigned /*size*/) {
  if (offset == 0)
    registers_.dispi_index = static_cast<u16>(value);
  else
    change_dispi(registers_.dispi_index, static_cast<u16>(value));
}

// --- BAR 2 ------------------------------------------------------------------------------------

u64 Vga::read_registers(u64 offset, unsigned size) {
  if (offset >= kPortsAt && offset < kPortsEndAt && size == 1)
    return read_port(registers_, static_cast<u16>(kAttributeIndex + offset - kPortsAt));
  if (offset >= kDispiAt && offset < kDispiEndAt)
    return piece(read_dispi(registers_, static_cast<u16>((offset - kDispiAt) / 2), memory_->size()),
                 offset % 2, size);
  if (offset >= kExtendedAt && offset < kExtendedAt + kExtendedSize)
    return piece(offset < kExtendedAt + 4 ? kExtendedSize : kLittleEndian, offset % 4, size);
  if (offset >= edid_.size()) return 0;
  u64 value = 0;
  for (unsigned n = 0; n < size; ++n) value |= u64{edid_[offset + n]} << (8 * n);
  return value;
}

void Vga::write_registers(u64 offset, u64 value, unsigned size) {
  if (offset >= kPortsAt && offset < kPortsEndAt)
    for (unsigned n = 0; n < size && offset + n < kPortsEndAt; ++n)
      change_port(static_cast<u16>(kAttributeIndex + offset + n - kPortsAt),
                  static_cast<u8>(value >> (8 * n)));
  else if (offset >= kDispiAt && offset < kDispiEndAt && offset % 2 == 0)
    change_dispi(static_cast<u16>((offset - kDispiAt) / 2), static_cast<u16>(value));
}

// --- the window at A0000h ---------------------------------------------------------------------

u64 Vga::read_window(u64 offset, unsigned /*size*/) {
  return vga::read_window(registers_, *memory_, static_cast<u32>(offset));
}

void Vga::write_window(u64 offset, u64 value, unsigned /*size*/) {
  vga::write_window(registers_, *memory_, static_cast<u32>(offset), static_cast<u8>(value));
}

void Vga::update_window() {
  const u64 bank = registers_.bank_offset() & (memory_->size() - 1);
  const bool linear = registers_.chain4() && (registers_.sequencer[kMapMask] & 0x0f) == 0x0f &&
                      (registers_.graphics[kMiscellaneous] >> 2 & 3) <= 1;
  const bool shown = linear_window_->parent() != nullptr;
  if (shown == linear && (!linear || linear_window_->block_offset() == bank)) return;
  const MemoryRegion::Batch batch;
  if (shown) pci_bus().memory_space().remove_subregion(*linear_window_);
  if (!linear) return;
  if (linear_window_->block_offset() != bank)
    linear_window_ = MemoryRegion::ram("vga linear window", memory_, bank, kLinearWindow);
  linear_window_->set_enabled(true);
  pci_bus().memory_space().add_subregion(kWindow, *linear_window_, kOverWindow);
}

// --- what is seen -----------------------------------------------------------------------------

void Vga::watched(bool by_somebody) {
  log_.reset();
  last_written_.clear();
  all_changed_ = true;
  if (by_somebody && DisplayLog::possible(machine().memory()))
    log_.emplace(machine().memory(), memory_);
}

void Vga::draw() {
  dirty_->clear();
  if (log_) {
    std::vector<u64> written = log_->take();
    for (const u64 page : written) dirty_->mark(page);
    // What was being written when the log was asked (DisplayLog).
    for (const u64 page : last_written_) dirty_->mark(page);
    last_written_ = std::move(written);
  }
  if (!log_ || all_changed_) dirty_->mark_all();
  all_changed_ = false;
  painter_->draw(screen_, *dirty_);
}

}  // namespace backplane::vga
