// SPDX-License-Identifier: MIT
#include "vga_core.h"

#include <bit>
#include <utility>

#include "backplane/error.h"
#include "planes.h"

namespace backplane::vga {

namespace {

constexpr u64 kWindow = 0xa0000;
constexpr u64 kLinearWindow = 64_KiB;
constexpr u32 kLeastMemory = 1, kMostMemory = 256;  // MiB
constexpr int kOverWindow = 1;

// Places of the registers.
constexpr u64 kPortsAt = 0x400, kPortsEndAt = 0x420, kDispiAt = 0x500, kDispiEndAt = 0x516,
              kExtendedAt = 0x600;
constexpr u32 kExtendedSize = 8, kLittleEndian = 0x1e1e1e1e;

u32 piece(u32 value, u64 offset, unsigned size) {
  return value >> (8 * offset) & (size >= 4 ? ~u32{0} : (u32{1} << (8 * size)) - 1);
}

}  // namespace

VgaCore::VgaCore(Registers& registers, AddressSpace& space, MemoryRegion& memory_space,
                 MemoryRegion& io_space, const std::string& memory_name,
                 const VgaSettings& settings)
    : registers_(registers), space_(space), memory_space_(memory_space) {
  if (settings.memory_mib < kLeastMemory || settings.memory_mib > kMostMemory ||
      !std::has_single_bit(settings.memory_mib))
    throw Error::of("vgamem_mb={}: expects a power of two from {} to {}", settings.memory_mib,
                    kLeastMemory, kMostMemory);
  for (const auto& [name, value] :
       {std::pair{"xres", settings.width}, std::pair{"yres", settings.height}})
    if (value < 1 || value >= Screen::kMostPixels)
      throw Error::of("{}={}: expects 1 to {}", name, value, Screen::kMostPixels - 1);
  if (settings.edid) edid_ = make_edid(settings.width, settings.height);
  memory_ = std::make_shared<RamBlock>(memory_name, u64{settings.memory_mib} << 20);
  painter_.emplace(registers_, *memory_);
  dirty_.emplace(memory_->size());

  ports_ = MemoryRegion::mmio(
      "vga ports", kPortsEnd - kFirstPort,
      MmioHandler::of<&VgaCore::read_legacy_port, &VgaCore::write_legacy_port>(*this).sizes(1, 1));
  io_space.add_subregion(kFirstPort, *ports_);
  MmioHandler dispi =
      MmioHandler::of<&VgaCore::read_dispi_port, &VgaCore::write_dispi_port>(*this).sizes(1, 2);
  dispi.unaligned = true;
  dispi_ = MemoryRegion::mmio("vga dispi", kDispiPorts, dispi);
  io_space.add_subregion(kDispiIndexPort, *dispi_);
  window_ = MemoryRegion::mmio(
      "vga window", kWindowSize,
      MmioHandler::of<&VgaCore::read_window, &VgaCore::write_window>(*this).sizes(1, 1));
  debug_window_.emplace(
      space_, *window_,
      MmioHandler::of<&VgaCore::debug_read_window, &VgaCore::debug_write_window>(*this).sizes(1,
                                                                                              1));
  memory_space_.add_subregion(kWindow, *window_);
  linear_window_ = MemoryRegion::ram("vga linear window", memory_, 0, kLinearWindow);
  linear_window_->set_enabled(false);
}

MmioHandler VgaCore::registers_handler() {
  return MmioHandler::of<&VgaCore::read_registers, &VgaCore::write_registers>(*this).sizes(1, 4);
}

void VgaCore::registers_reset() {
  all_changed_ = true;
  update_window();
}

void VgaCore::registers_loaded() {
  limit_dispi(registers_, memory_->size());
  registers_reset();
}

// --- ports ------------------------------------------------------------------------------------

void VgaCore::change_port(u16 port, u8 value) {
  if (write_port(registers_, port, value)) all_changed_ = true;
  if (port == kSequencerData || port == kGraphicsData) update_window();
}

void VgaCore::change_dispi(u16 index, u16 value) {
  write_dispi(registers_, index, value, *memory_);
  if (index != kDispiBank) all_changed_ = true;
  update_window();
}

u64 VgaCore::read_legacy_port(u64 offset, unsigned /*size*/) {
  return read_port(registers_, static_cast<u16>(kFirstPort + offset));
}

void VgaCore::write_legacy_port(u64 offset, u64 value, unsigned /*size*/) {
  change_port(static_cast<u16>(kFirstPort + offset), static_cast<u8>(value));
}

u64 VgaCore::read_dispi_port(u64 offset, unsigned /*size*/) {
  return offset == 0 ? registers_.dispi_index
                     : read_dispi(registers_, registers_.dispi_index, memory_->size());
}

void VgaCore::write_dispi_port(u64 offset, u64 value, unsigned /*size*/) {
  if (offset == 0)
    registers_.dispi_index = static_cast<u16>(value);
  else
    change_dispi(registers_.dispi_index, static_cast<u16>(value));
}

// --- registers --------------------------------------------------------------------------------

u64 VgaCore::read_registers(u64 offset, unsigned size) {
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

void VgaCore::write_registers(u64 offset, u64 value, unsigned size) {
  if (offset >= kPortsAt && offset < kPortsEndAt)
    for (unsigned n = 0; n < size && offset + n < kPortsEndAt; ++n)
      change_port(static_cast<u16>(kAttributeIndex + offset + n - kPortsAt),
                  static_cast<u8>(value >> (8 * n)));
  else if (offset >= kDispiAt && offset < kDispiEndAt && offset % 2 == 0)
    change_dispi(static_cast<u16>((offset - kDispiAt) / 2), static_cast<u16>(value));
}

// --- the window at A0000h ---------------------------------------------------------------------

u64 VgaCore::read_window(u64 offset, unsigned /*size*/) {
  return vga::read_window(registers_, *memory_, static_cast<u32>(offset));
}

void VgaCore::write_window(u64 offset, u64 value, unsigned /*size*/) {
  vga::write_window(registers_, *memory_, static_cast<u32>(offset), static_cast<u8>(value));
}

// With the registers, so the latch, as they are.
u64 VgaCore::debug_read_window(u64 offset, unsigned /*size*/) {
  Registers registers = registers_;
  return vga::read_window(registers, *memory_, static_cast<u32>(offset));
}

void VgaCore::debug_write_window(u64 offset, u64 value, unsigned /*size*/) {
  Registers registers = registers_;
  vga::write_window(registers, *memory_, static_cast<u32>(offset), static_cast<u8>(value));
}

void VgaCore::update_window() {
  const u64 bank = registers_.bank_offset() & (memory_->size() - 1);
  const bool linear = registers_.chain4() && (registers_.sequencer[kMapMask] & 0x0f) == 0x0f &&
                      (registers_.graphics[kMiscellaneous] >> 2 & 3) <= 1;
  const bool shown = linear_window_->parent() != nullptr;
  if (shown == linear && (!linear || linear_window_->block_offset() == bank)) return;
  const MemoryRegion::Batch batch;
  if (shown) memory_space_.remove_subregion(*linear_window_);
  if (!linear) return;
  if (linear_window_->block_offset() != bank)
    linear_window_ = MemoryRegion::ram("vga linear window", memory_, bank, kLinearWindow);
  linear_window_->set_enabled(true);
  memory_space_.add_subregion(kWindow, *linear_window_, kOverWindow);
}

// --- what is seen -----------------------------------------------------------------------------

void VgaCore::watched(bool by_somebody) {
  log_.reset();
  last_written_.clear();
  all_changed_ = true;
  if (by_somebody && DisplayLog::possible(space_)) log_.emplace(space_, memory_);
}

void VgaCore::draw(Screen& screen) {
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
  painter_->draw(screen, *dirty_);
}

}  // namespace backplane::vga
