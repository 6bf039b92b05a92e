// SPDX-License-Identifier: MIT
// Which frames are for the driver, and into its buffers. [8254x §3.2 "Packet Reception", 3.2.1
// "Packet Address Filtering", 9 "802.1q VLAN Support"]
#include <algorithm>
#include <array>

#include "backplane/machine.h"
#include "e1000.h"

namespace backplane::e1000 {

namespace {

constexpr std::size_t kHeader = 14;
constexpr std::size_t kTypeOffset = 12;
constexpr std::size_t kLeastFrame = 60;
constexpr std::size_t kFrameChecksum = 4;
constexpr std::size_t kLongestFrame = 1518;  // tagged, without its checksum
constexpr std::size_t kLongestLongFrame = 16384 - kFrameChecksum;

u16 load16(std::span<const u8> bytes, std::size_t at) {
  return static_cast<u16>(bytes[at] << 8 | bytes[at + 1]);
}

}  // namespace

bool Card::is_tagged(std::span<const u8> frame) const {
  return frame.size() >= kHeader + kTagSize && load16(frame, kTypeOffset) == stored(kVet);
}

bool Card::accepts(std::span<const u8> frame) const {
  if (frame.size() < kHeader) return false;
  if ((state_.rctl & kRctlVfe) != 0 && is_tagged(frame)) {
    const unsigned vlan = load16(frame, kHeader) & 0xfff;
    if ((state_.vlans[vlan / 32] >> vlan % 32 & 1) == 0) return false;
  }
  return accepts_address(frame);
}

bool Card::accepts_address(std::span<const u8> frame) const {
  const auto to = frame.first(6);
  const bool group = (to[0] & 1) != 0;
  if (std::all_of(to.begin(), to.end(), [](u8 byte) { return byte == 0xff; }) &&
      (state_.rctl & kRctlBam) != 0)
    return true;
  if ((state_.rctl & (group ? kRctlMpe : kRctlUpe)) != 0) return true;
  const u32 low = static_cast<u32>(to[0] | to[1] << 8 | to[2] << 16) | u32{to[3]} << 24;
  const u32 high = static_cast<u32>(to[4] | to[5] << 8);
  for (unsigned i = 0; i < kReceiveAddresses; ++i) {
    const u32 entry = state_.addresses[2 * i + 1];
    if ((entry & kRahAv) != 0 && (entry & 0xffff) == high && state_.addresses[2 * i] == low)
      return true;
  }
  if (!group) return false;
  // RCTL.MO says which twelve bits of the address count.
  constexpr std::array<unsigned, 4> kShifts{4, 3, 2, 0};
  const unsigned hash = (high >> kShifts[state_.rctl >> 12 & 3]) & 0xfff;
  return (state_.multicast[hash / 32] >> hash % 32 & 1) != 0;
}

u32 Card::buffer_size() const {
  const u32 size = 2048U >> (state_.rctl >> 16 & 3);
  return (state_.rctl & kRctlBsex) != 0 ? std::min(size * 16, 16384U) : size;
}

bool Card::receive(std::span<const u8> frame) {
  // Nothing changes in a guest that stands still.
  if (machine().run_control().state() != RunState::Running) return false;
  return !has_link() || take(frame);
}

bool Card::take(std::span<const u8> frame) {
  if ((state_.rctl & kRctlEn) == 0 || !bus_master()) return true;
  const std::size_t size = std::max(frame.size(), kLeastFrame) + kFrameChecksum;
  const bool takes_long = (state_.rctl & kRctlLpe) != 0;
  const bool too_long = frame.size() > (takes_long ? kLongestLongFrame : kLongestFrame);
  const bool wanted = !too_long && accepts(frame);
  if (wanted && u64{state_.receive.available()} * buffer_size() < size) {
    // It comes again, and is counted then.
    interrupt(kRxo);
    return false;
  }
  count(kTpr);
  count64(kTorl, size);
  if (too_long) count(kRoc);
  if (!wanted) return true;
  if (is_tagged(frame) && (state_.ctrl & kCtrlVme) != 0) {
    std::vector<u8> untagged(frame.begin(), frame.begin() + kTypeOffset);
    untagged.insert(untagged.end(), frame.begin() + kTypeOffset + kTagSize, frame.end());
    store(untagged, kRxVp, load16(frame, kHeader));
  } else {
    store(frame, 0, 0);
  }
  return true;
}

void Card::store(std::span<const u8> frame, u8 status, u16 special) {
  std::vector<u8> bytes(frame.begin(), frame.end());
  bytes.resize(std::max(bytes.size(), kLeastFrame));
  count(kGprc);
  count64(kGorcl, bytes.size() + kFrameChecksum);
  count_size(kPrc64, bytes.size() + kFrameChecksum);
  if ((bytes[0] & 1) != 0) {
    const bool to_all =
        std::all_of(bytes.begin(), bytes.begin() + 6, [](u8 byte) { return byte == 0xff; });
    count(to_all ? kBprc : kMprc);
  }
  if ((state_.rctl & kRctlSecrc) == 0) bytes.resize(bytes.size() + kFrameChecksum);

  Ring& ring = state_.receive;
  const std::size_t room = buffer_size();
  for (std::size_t at = 0; at < bytes.size(); at += room) {
    const std::size_t part = std::min(room, bytes.size() - at);
    ReceiveDescriptor descriptor;
    const u64 place = ring.address(ring.head);
    if (dma_read(place, &descriptor, sizeof descriptor) != MemResult::Ok) return;
    // A descriptor without a buffer takes its share all the same.
    if (descriptor.address != 0) dma_write(descriptor.address, &bytes[at], part);
    const bool last = at + part == bytes.size();
    descriptor.length = static_cast<u16>(part);
    descriptor.checksum = 0;
    descriptor.status = static_cast<u8>(kRxDd | kRxIxsm | (last ? kRxEop | status : 0));
    descriptor.errors = 0;
    descriptor.special = last ? special : u16{0};
    dma_write(place, &descriptor, sizeof descriptor);
    ring.advance();
  }
  const u32 threshold = ring.count() >> (1 + std::min(state_.rctl >> 8 & 3, 2U));
  interrupt(kRxt0 | (ring.available() <= threshold ? kRxdmt0 : 0U));
}

}  // namespace backplane::e1000
