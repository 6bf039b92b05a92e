// SPDX-License-Identifier: MIT
// [PCI §6.8.2 "MSI-X Capability and Table Structures"]
#include <bit>

#include "backplane/accelerator.h"
#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/pci/msi.h"
#include "backplane/pci/pci_device.h"
#include "backplane/pci/pci_regs.h"

namespace backplane {

using namespace pci;

PciMsix::PciMsix(PciDevice& device, unsigned bar, unsigned vectors) : device_(device) {
  if (vectors == 0 || vectors > kMaxVectors)
    throw Error::of("vectors={}: MSI-X has 1 to {} vectors", vectors, kMaxVectors);
  table_.resize(vectors);
  // The table fills the first half of the BAR and the pending bits lie in the second.
  const u64 half = std::max<u64>(2_KiB, std::bit_ceil(u64{vectors} * kMsixEntrySize));
  pba_offset_ = half;
  device_.add_bar(bar, 2 * half,
                  MmioHandler::of<&PciMsix::read, &PciMsix::write>(*this).sizes(4, 8));
  PciConfigSpace& config = device_.config();
  offset_ = config.add_capability(kCapMsix, kMsixCapabilitySize);
  config.set16(offset_ + kMsixControl, static_cast<u16>(vectors - 1));
  config.set_writable16(offset_ + kMsixControl, kMsixFunctionMask | kMsixEnable);
  config.set32(offset_ + kMsixTable, bar);
  config.set32(offset_ + kMsixPba, static_cast<u32>(pba_offset_) | bar);
}

PciMsix::~PciMsix() = default;

bool PciMsix::masked(unsigned vector) const {
  return function_masked_ || (table_.at(vector).control & kMsixEntryMasked) != 0;
}

MsiMessage PciMsix::message(unsigned vector) const { return table_.at(vector).message; }

void PciMsix::notify(unsigned vector) {
  if (!enabled_ || vector >= table_.size()) return;
  if (masked(vector))
    table_[vector].pending = true;
  else
    send(table_[vector]);
}

void PciMsix::send(Entry& entry) {
  if (entry.signal == nullptr && signals_available_) {
    entry.signal = device_.machine().accelerator().create_message_signal();
    signals_available_ = entry.signal != nullptr;
  }
  if (entry.signal != nullptr && !entry.signal_current)
    entry.signal_current = entry.signal->set_message(entry.message.address, entry.message.data);
  if (entry.signal_current && device_.bus_master())
    entry.signal->signal();
  else
    device_.send_msi(entry.message);
}

void PciMsix::send_if_unmasked(unsigned vector) {
  Entry& entry = table_[vector];
  if (!entry.pending || !enabled_ || masked(vector)) return;
  entry.pending = false;
  send(entry);
}

std::span<const StateMember> MsiMessage::members() {
  static const StateMember kMembers[] = {member<&MsiMessage::address>("address"),
                                         member<&MsiMessage::data>("data")};
  return kMembers;
}

std::span<const StateMember> PciMsix::Entry::members() {
  static const StateMember kMembers[] = {member<&Entry::message>("message"),
                                         member<&Entry::control>("control"),
                                         member<&Entry::pending>("pending")};
  return kMembers;
}

std::span<const StateMember> PciMsix::members() {
  static const StateMember kMembers[] = {member<&PciMsix::table_>("table")};
  return kMembers;
}

void PciMsix::loaded() {
  for (Entry& entry : table_) entry.signal_current = false;
  read_control();
}

void PciMsix::read_control() {
  const u16 control = device_.config().get16(offset_ + kMsixControl);
  enabled_ = (control & kMsixEnable) != 0;
  function_masked_ = (control & kMsixFunctionMask) != 0;
}

void PciMsix::config_written(unsigned offset, unsigned size) {
  if (offset + size <= offset_ || offset >= offset_ + kMsixCapabilitySize) return;
  read_control();
  for (unsigned i = 0; i < table_.size(); ++i) send_if_unmasked(i);
}

void PciMsix::reset() {
  for (Entry& entry : table_) {
    entry.message = {};
    entry.control = kMsixEntryMasked;
    entry.pending = false;
    entry.signal_current = false;
  }
  enabled_ = false;
  function_masked_ = false;
}

u64 PciMsix::read(u64 offset, unsigned size) {
  if (size == 8) return read(offset, 4) | read(offset + 4, 4) << 32;
  if (offset < u64{vectors()} * kMsixEntrySize) {
    const Entry& entry = table_[offset / kMsixEntrySize];
    switch (offset % kMsixEntrySize) {
      case 0:
        return static_cast<u32>(entry.message.address);
      case 4:
        return entry.message.address >> 32;
      case 8:
        return entry.message.data;
      default:
        return entry.control;
    }
  }
  if (offset < pba_offset_) return 0;
  u32 bits = 0;
  const u64 first = (offset - pba_offset_) * 8;
  for (u64 i = 0; i < 32 && first + i < table_.size(); ++i)
    if (table_[first + i].pending) bits |= u32{1} << i;
  return bits;
}

void PciMsix::write(u64 offset, u64 value, unsigned size) {
  if (size == 8) {
    write(offset, static_cast<u32>(value), 4);
    write(offset + 4, value >> 32, 4);
    return;
  }
  if (offset >= u64{vectors()} * kMsixEntrySize) return;  // the pending bits are read-only
  const unsigned vector = static_cast<unsigned>(offset / kMsixEntrySize);
  Entry& entry = table_[vector];
  const u32 word = static_cast<u32>(value);
  if (offset % kMsixEntrySize < 12) entry.signal_current = false;
  switch (offset % kMsixEntrySize) {
    case 0:
      entry.message.address = (entry.message.address & ~u64{0xffff'ffff}) | (word & ~u32{3});
      break;
    case 4:
      entry.message.address = (entry.message.address & 0xffff'ffff) | u64{word} << 32;
      break;
    case 8:
      entry.message.data = word;
      break;
    default:
      entry.control = word & kMsixEntryMasked;
      send_if_unmasked(vector);
      break;
  }
}

}  // namespace backplane
