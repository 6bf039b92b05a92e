// SPDX-License-Identifier: MIT
// From descriptors to frames. [8254x §3.3 "Packet Transmission", 3.5 "TCP Segmentation", 3.6
// "IP/TCP/UDP Transmit Checksum Offloading"]
#include <algorithm>
#include <array>
#include <cstring>

#include "e1000.h"

namespace backplane::e1000 {

namespace {

constexpr std::size_t kAddresses = 12;          // bytes of an Ethernet frame before its type
constexpr std::size_t kChecksumAndPadding = 4;  // of the frame, which is not there
constexpr u32 kDescriptorSize = 16;

void store16(std::span<u8> bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<u8>(value >> 8);
  bytes[at + 1] = static_cast<u8>(value);
}

// Of [start, end], or to the frame's end if that is 0, into `place`.
void insert_checksum(std::span<u8> frame, std::size_t start, std::size_t place, std::size_t end) {
  const std::size_t stop = end == 0 ? frame.size() : std::min(end + 1, frame.size());
  if (start >= stop || place + 2 > frame.size()) return;
  store16(frame, place, internet_checksum(frame.subspan(start, stop - start)));
}

u32 extended_length(const TransmitDescriptor& descriptor) {
  return descriptor.length | (descriptor.cso & 0xfU) << 16;
}

}  // namespace

u32 Card::Ring::available() const {
  const u32 entries = count();
  if (head >= entries || tail >= entries) return 0;
  return tail >= head ? tail - head : entries - head + tail;
}

void Card::transmit() {
  if ((state_.tctl & kTctlEn) == 0 || !bus_master() || transmitting_) return;
  Ring& ring = state_.transmit;
  u32 left = ring.available();
  if (left == 0) return;
  // What is sent may come back at once, and have the driver's interrupt seen.
  transmitting_ = true;
  u32 causes = 0;
  for (; left != 0; --left) {
    const u64 address = ring.address(ring.head);
    TransmitDescriptor descriptor;
    if (dma_read(address, &descriptor, kDescriptorSize) != MemResult::Ok) break;
    take_descriptor(descriptor);
    if ((descriptor.command & kTxRs) != 0) {
      const u8 status = static_cast<u8>(descriptor.status | kTxDd);
      dma_write(address + offsetof(TransmitDescriptor, status), &status, sizeof status);
      causes |= kTxdw;
    }
    ring.advance();
  }
  transmitting_ = false;
  interrupt(causes | kTxqe);
}

void Card::take_descriptor(TransmitDescriptor& descriptor) {
  const bool extended = (descriptor.command & kTxDext) != 0;
  if (extended && descriptor.cso >> 4 == kContext) return take_context(descriptor);
  if (!in_frame_) {
    forget_frame();
    in_frame_ = true;
    options_ = extended ? descriptor.css : u8{0};
    segments_ = extended && (descriptor.command & kTxTse) != 0;
  }
  append(descriptor.address, extended ? extended_length(descriptor) : descriptor.length);
  if ((descriptor.command & kTxEop) == 0) return;
  if (!frame_lost_ && frame_.size() > kAddresses) finish_frame(descriptor, extended);
  forget_frame();
}

void Card::take_context(const TransmitDescriptor& descriptor) {
  ContextDescriptor said;
  std::memcpy(&said, &descriptor, sizeof said);
  state_.context = {.ipcss = said.ipcss,
                    .ipcso = said.ipcso,
                    .tucss = said.tucss,
                    .tucso = said.tucso,
                    .hdrlen = said.hdrlen,
                    .command = static_cast<u8>(said.paylen_type_tucmd >> 24),
                    .ipcse = said.ipcse,
                    .tucse = said.tucse,
                    .mss = said.mss};
  if ((state_.context.command & kTxTse) != 0) count(kTsctc);
}

void Card::append(u64 address, u32 length) {
  const std::size_t before = frame_.size();
  if (frame_lost_ || before + length > Netdev::kMaxFrame - kTagSize) {
    frame_lost_ = true;
    return;
  }
  frame_.resize(before + length);
  if (length != 0 && dma_read(address, &frame_[before], length) != MemResult::Ok)
    frame_lost_ = true;
}

void Card::finish_frame(const TransmitDescriptor& last, bool extended) {
  FrameOffload left;
  if (segments_)
    left = prepare_segmentation();
  else
    insert_checksums(last, extended);
  if ((last.command & kTxVle) != 0 && (state_.ctrl & kCtrlVme) != 0) insert_tag(last.special, left);
  send_frame(left);
}

void Card::insert_checksums(const TransmitDescriptor& last, bool extended) {
  const Context& context = state_.context;
  if (!extended) {
    if ((last.command & kTxIc) != 0) insert_checksum(frame_, last.css, last.cso, 0);
    return;
  }
  if ((options_ & kIxsm) != 0) insert_checksum(frame_, context.ipcss, context.ipcso, context.ipcse);
  if ((options_ & kTxsm) != 0) insert_checksum(frame_, context.tucss, context.tucso, context.tucse);
}

// The driver leaves lengths out, of the IP header and of the sum over the pseudo header; whoever
// divides the frame goes by that of the whole.
FrameOffload Card::prepare_segmentation() {
  constexpr std::size_t kIpv4Length = 2;
  constexpr std::size_t kIpv6Length = 4;
  constexpr std::size_t kIpv6Header = 40;
  const Context& context = state_.context;
  const bool is_ipv4 = (context.command & kTuIp) != 0;
  const std::size_t ip = context.ipcss;
  const std::size_t checksum = context.tucso;
  if (ip + kIpv6Header > frame_.size() || checksum + 2 > frame_.size() ||
      context.tucss >= frame_.size() || checksum < context.tucss || (context.command & kTuTcp) == 0)
    return {};
  if (is_ipv4) {
    store16(frame_, ip + kIpv4Length, frame_.size() - ip);
    if ((options_ & kIxsm) != 0) insert_checksum(frame_, ip, context.ipcso, context.ipcse);
  } else {
    store16(frame_, ip + kIpv6Length, frame_.size() - ip - kIpv6Header);
  }
  const u32 seed = static_cast<u32>(frame_[checksum] << 8 | frame_[checksum + 1]);
  const u32 length = static_cast<u32>(frame_.size()) - context.tucss;
  const std::array<u8, 4> added{static_cast<u8>(length >> 24), static_cast<u8>(length >> 16),
                                static_cast<u8>(length >> 8), static_cast<u8>(length)};
  store16(frame_, checksum, static_cast<u16>(~internet_checksum(added, seed)));
  return {.flags = FrameOffload::kNeedsChecksum,
          .segmentation = is_ipv4 ? FrameOffload::kTcp4 : FrameOffload::kTcp6,
          .header_size = context.hdrlen,
          .segment_size = context.mss,
          .checksum_start = context.tucss,
          .checksum_offset = static_cast<u16>(checksum - context.tucss)};
}

void Card::insert_tag(u16 tag, FrameOffload& left) {
  std::array<u8, kTagSize> bytes;
  store16(bytes, 0, stored(kVet));
  store16(bytes, 2, tag);
  frame_.insert(frame_.begin() + kAddresses, bytes.begin(), bytes.end());
  if (!left.needs_checksum()) return;
  left.header_size = static_cast<u16>(left.header_size + kTagSize);
  left.checksum_start = static_cast<u16>(left.checksum_start + kTagSize);
}

void Card::send_frame(const FrameOffload& left) {
  const u64 size = frame_.size() + kChecksumAndPadding;
  count(kGptc);
  count(kTpt);
  count64(kGotcl, size);
  count64(kTotl, size);
  count_size(kPtc64, size);
  const bool to_all =
      std::all_of(frame_.begin(), frame_.begin() + 6, [](u8 byte) { return byte == 0xff; });
  if ((frame_[0] & 1) != 0) count(to_all ? kBptc : kMptc);
  if (phy_.loops_back() || (state_.rctl & kRctlLbm) == kRctlLbm) {
    if (left.nothing_left()) take(frame_);
    return;
  }
  if (!has_link()) return;
  const iovec piece{frame_.data(), frame_.size()};
  netdev_->transmit(left, {&piece, 1});
}

}  // namespace backplane::e1000
