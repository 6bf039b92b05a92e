// SPDX-License-Identifier: MIT
// What the driver reads and writes. [8254x §13 "Register Descriptions"]
#include <algorithm>

#include "e1000.h"

namespace backplane::e1000 {

u64 Card::memory_read(u64 offset, unsigned /*size*/) {
  return read_register(static_cast<u32>(offset));
}
void Card::memory_write(u64 offset, u64 value, unsigned /*size*/) {
  write_register(static_cast<u32>(offset), static_cast<u32>(value));
}

// [8254x §13.3.1 "I/O-Mapped Accesses": an address, and a window]
u64 Card::io_read(u64 offset, unsigned /*size*/) {
  if (offset == kIoAddr) return state_.io_address;
  if (offset == kIoData && state_.io_address < kMemorySize)
    return read_register(state_.io_address & ~3U);
  return 0;
}
void Card::io_write(u64 offset, u64 value, unsigned /*size*/) {
  if (offset == kIoAddr)
    state_.io_address = static_cast<u32>(value);
  else if (offset == kIoData && state_.io_address < kMemorySize)
    write_register(state_.io_address & ~3U, static_cast<u32>(value));
}

u32* Card::table_entry(u32 offset) {
  const auto entry = [offset](auto& table, u32 start) -> u32* {
    const u32 index = (offset - start) / 4;
    return offset >= start && index < table.size() ? &table[index] : nullptr;
  };
  if (u32* const found = entry(state_.multicast, kMta)) return found;
  if (u32* const found = entry(state_.addresses, kRal)) return found;
  if (u32* const found = entry(state_.vlans, kVfta)) return found;
  const auto* const stored = std::find(kStored.begin(), kStored.end(), offset);
  return stored == kStored.end()
             ? nullptr
             : &state_.stored[static_cast<std::size_t>(stored - kStored.begin())];
}

u32 Card::stored(Register which) const {
  const auto* const found = std::find(kStored.begin(), kStored.end(), which);
  return state_.stored[static_cast<std::size_t>(found - kStored.begin())];
}

u32* Card::ring_register(u32 offset) {
  const bool receives = offset < kTdbal;
  Ring& ring = receives ? state_.receive : state_.transmit;
  // Both are laid out alike.
  switch (receives ? offset - kRdbal + kTdbal : offset) {
    case kTdbal:
      return &ring.base_low;
    case kTdbah:
      return &ring.base_high;
    case kTdlen:
      return &ring.length;
    case kTdh:
      return &ring.head;
    case kTdt:
      return &ring.tail;
    default:
      return nullptr;
  }
}

u32 Card::read_register(u32 offset) {
  switch (offset) {
    case kCtrl:
    case kCtrlDup:
      return state_.ctrl;
    case kStatus:
      return kStatusFd | kStatusSpeed1000 | (has_link() ? kStatusLu : 0U);
    case kEecd:
      return state_.eecd | kEecdPres | kEecdFweDisabled |
             ((state_.eecd & kEecdReq) != 0 ? kEecdGnt : 0U) | (eeprom_.output() ? kEecdDo : 0U);
    case kEerd:
      return state_.eerd;
    case kCtrlExt:
      return state_.ctrl_ext;
    case kMdic:
      return state_.mdic;
    case kIcr: {
      const u32 causes = state_.icr;
      state_.icr = 0;
      update_interrupt();
      return causes;
    }
    case kItr:
      return state_.itr;
    case kIms:
      return state_.ims;
    case kRctl:
      return state_.rctl;
    case kTctl:
      return state_.tctl;
    case kRxcsum:
      return state_.rxcsum;
    default:
      break;
  }
  if (offset >= kStatistics && offset < kStatisticsEnd) return read_statistic(offset);
  if (const u32* const entry = table_entry(offset)) return *entry;
  const u32* const ring = ring_register(offset);
  return ring != nullptr ? *ring : 0;
}

void Card::write_register(u32 offset, u32 value) {
  constexpr u32 kLengthBits = 0xf'ff80;
  constexpr u32 kIndexBits = 0xffff;
  switch (offset) {
    case kCtrl:
    case kCtrlDup:
      return write_ctrl(value);
    case kEecd:
      state_.eecd = value & (kEecdSk | kEecdCs | kEecdDi | kEecdReq);
      return eeprom_.drive(value);
    case kEerd:
      if ((value & kEerdStart) != 0)
        state_.eerd = u32{eeprom_.word(value >> 8 & 0xff)} << 16 | (value & 0xff00) | kEerdDone;
      return;
    case kCtrlExt:
      state_.ctrl_ext = value & ~kCtrlExtEeRst;
      return;
    case kMdic:
      return write_mdic(value);
    case kIcr:
      state_.icr &= ~value;
      return update_interrupt();
    case kItr:
      state_.itr = value & 0xffff;
      return;
    case kIcs:
      return interrupt(value & kInterrupts);
    case kIms:
      state_.ims |= value & kInterrupts;
      return update_interrupt();
    case kImc:
      state_.ims &= ~value;
      return update_interrupt();
    case kRctl:
      state_.rctl = value;
      if (netdev_) netdev_->receive_more();
      return;
    case kTctl:
      state_.tctl = value;
      return transmit();
    case kRxcsum:
      state_.rxcsum = value;
      return;
    case kRdt:
      state_.receive.tail = value & kIndexBits;
      if (netdev_) netdev_->receive_more();
      return;
    case kTdt:
      state_.transmit.tail = value & kIndexBits;
      return transmit();
    case kRdlen:
    case kTdlen:
      *ring_register(offset) = value & kLengthBits;
      return;
    case kRdh:
    case kTdh:
      *ring_register(offset) = value & kIndexBits;
      return;
    case kRdbal:
    case kTdbal:
      *ring_register(offset) = value & ~0xfU;
      return;
    default:
      break;
  }
  if (u32* const entry = table_entry(offset))
    *entry = value;
  else if (u32* const ring = ring_register(offset))
    *ring = value;
}

void Card::write_ctrl(u32 value) {
  if ((value & kCtrlRst) != 0) return reset_card();
  if ((value & kCtrlPhyRst) != 0) phy_.reset();
  state_.ctrl = value & ~kCtrlPhyRst;
}

void Card::write_mdic(u32 value) {
  constexpr u32 kOp = kMdicOpRead | kMdicOpWrite;
  constexpr u32 kInside = 1;  // the transceiver's address
  const unsigned index = value >> 16 & 0x1f;
  state_.mdic = (value & ~kMdicE) | kMdicR;
  if ((value >> 21 & 0x1f) != kInside) {
    state_.mdic |= kMdicE;
  } else if ((value & kOp) == kMdicOpRead) {
    state_.mdic = (state_.mdic & ~0xffffU) | phy_.read(index, has_link());
  } else if ((value & kOp) == kMdicOpWrite) {
    if (phy_.write(index, static_cast<u16>(value))) interrupt(kLsc);
  }
  if ((value & kMdicI) != 0) interrupt(kMdac);
}

// --- statistics ---------------------------------------------------------------------------------

u32 Card::read_statistic(u32 which) {
  const u32 value = statistic(which);
  statistic(which) = 0;
  return value;
}

// They stay at their largest value.
void Card::count(u32 which, u32 more) {
  u32& counter = statistic(which);
  counter = counter > ~u32{0} - more ? ~u32{0} : counter + more;
}

void Card::count64(u32 low, u64 more) {
  const u64 sum = (u64{statistic(low + 4)} << 32 | statistic(low)) + more;
  statistic(low) = static_cast<u32>(sum);
  statistic(low + 4) = static_cast<u32>(sum >> 32);
}

// Into one of six: up to 64, 127, 255, 511, 1023 bytes, and more.
void Card::count_size(u32 smallest, std::size_t size) {
  constexpr std::size_t kLargest[] = {64, 127, 255, 511, 1023};
  const auto* const found = std::lower_bound(std::begin(kLargest), std::end(kLargest), size);
  count(smallest + 4 * static_cast<u32>(found - std::begin(kLargest)));
}

}  // namespace backplane::e1000
