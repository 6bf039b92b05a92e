// SPDX-License-Identifier: MIT
#include "backplane/testing/pci_driver.h"

#include "backplane/pci/pci_regs.h"

namespace backplane::testing {

using namespace pci;

PciDriver::PciDriver(Machine& machine, unsigned slot, unsigned function)
    : machine_(machine), slot_(slot), function_(function) {}

void PciDriver::select(unsigned offset) {
  machine_.io().store<u32>(0xcf8, 0x8000'0000U | slot_ << 11 | function_ << 8 | (offset & 0xfc));
}

u32 PciDriver::read(unsigned offset, unsigned size) {
  select(offset);
  u32 value = 0;
  machine_.io().read(0xcfc + (offset & 3), &value, size);
  return value;
}

void PciDriver::write(unsigned offset, u32 value, unsigned size) {
  select(offset);
  machine_.io().write(0xcfc + (offset & 3), &value, size);
}

unsigned PciDriver::find_capability(u8 id, unsigned after) {
  if ((read16(kStatus) & kStatusCapabilities) == 0) return 0;
  unsigned offset = after == 0 ? read8(kCapabilitiesPointer) : read8(after + 1);
  while (offset != 0 && read8(offset) != id) offset = read8(offset + 1);
  return offset;
}

u64 PciDriver::bar_size(unsigned index) {
  const unsigned at = kBar0 + 4 * index;
  const u32 before = read32(at);
  write32(at, ~u32{0});
  const u32 ones = read32(at);
  write32(at, before);
  if (ones == 0) return 0;
  if ((ones & kBarIo) != 0) return (~(ones & ~u32{3}) + 1) & 0xffff'ffff;
  if ((ones & kBarMemory64) == 0) return ~(ones & ~u32{0xf}) + 1;
  const u32 before_high = read32(at + 4);
  write32(at + 4, ~u32{0});
  const u64 high = read32(at + 4);
  write32(at + 4, before_high);
  return ~(high << 32 | (ones & ~u32{0xf})) + 1;
}

u64 PciDriver::bar_address(unsigned index) {
  const unsigned at = kBar0 + 4 * index;
  const u32 low = read32(at);
  if ((low & kBarIo) != 0) return low & ~u32{3};
  u64 address = low & ~u32{0xf};
  if ((low & kBarMemory64) != 0) address |= u64{read32(at + 4)} << 32;
  return address;
}

void PciDriver::set_bar(unsigned index, u64 address) {
  const unsigned at = kBar0 + 4 * index;
  const u32 low = read32(at);
  write32(at, static_cast<u32>(address));
  if ((low & kBarIo) == 0 && (low & kBarMemory64) != 0)
    write32(at + 4, static_cast<u32>(address >> 32));
}

void PciDriver::assign_bars(u64 memory, u16 io) {
  u64 next_io = io;
  for (unsigned i = 0; i < 6; ++i) {
    const u64 size = bar_size(i);
    if (size == 0) continue;
    const u32 low = read32(kBar0 + 4 * i);
    u64& next = (low & kBarIo) != 0 ? next_io : memory;
    next = (next + size - 1) / size * size;
    set_bar(i, next);
    next += size;
    if ((low & kBarIo) == 0 && (low & kBarMemory64) != 0) ++i;
  }
  write16(kCommand, kCommandIo | kCommandMemory | kCommandBusMaster);
}

u64 PciDriver::msix_table() {
  const u32 table = read32(find_capability(kCapMsix) + kMsixTable);
  return bar_address(table & 7) + (table & ~u32{7});
}

void PciDriver::enable_msix(u64 address, u32 first_data) {
  const unsigned at = find_capability(kCapMsix);
  const unsigned vectors = (read16(at + kMsixControl) & 0x7ff) + 1U;
  const u64 table = msix_table();
  for (unsigned i = 0; i < vectors; ++i) {
    const u64 entry = table + u64{i} * kMsixEntrySize;
    const u64 to = address + 4 * u64{i};
    machine_.memory().store<u32>(entry, static_cast<u32>(to));
    machine_.memory().store<u32>(entry + 4, static_cast<u32>(to >> 32));
    machine_.memory().store<u32>(entry + 8, first_data + i);
    machine_.memory().store<u32>(entry + 12, 0);
  }
  write16(at + kMsixControl, kMsixEnable);
}

void PciDriver::mask_vector(unsigned vector, bool masked) {
  machine_.memory().store<u32>(msix_table() + u64{vector} * kMsixEntrySize + 12, masked ? 1 : 0);
}

bool PciDriver::vector_pending(unsigned vector) {
  const u32 pba = read32(find_capability(kCapMsix) + kMsixPba);
  const u64 word = bar_address(pba & 7) + (pba & ~u32{7}) + vector / 32 * 4;
  return (machine_.memory().load<u32>(word) >> vector % 32 & 1) != 0;
}

}  // namespace backplane::testing
