// SPDX-License-Identifier: MIT
#include "backplane/frame_offload.h"

#include <algorithm>
#include <vector>

namespace backplane {

namespace {

// [IEEE 802.3, IEEE 802.1Q "VLAN tag"]
constexpr std::size_t kTypeOffset = 12;
constexpr u16 kTagged = 0x8100;
constexpr u16 kServiceTagged = 0x88a8;
constexpr u16 kIpv4 = 0x0800;
constexpr u16 kIpv6 = 0x86dd;

// [RFC 791 "Internet Header Format", RFC 8200 "IPv6 Header Format"]
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv4Length = 2;
constexpr std::size_t kIpv4Id = 4;
constexpr std::size_t kIpv4Checksum = 10;
constexpr std::size_t kIpv4Addresses = 12;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kIpv6Length = 4;
constexpr std::size_t kIpv6Addresses = 8;

// [RFC 9293 "Header Format"]
constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kTcpSequence = 4;
constexpr std::size_t kTcpDataOffset = 12;
constexpr std::size_t kTcpFlags = 13;
constexpr std::size_t kTcpChecksum = 16;
constexpr u8 kFin = 0x01;
constexpr u8 kPush = 0x08;
constexpr u8 kCongestionWindowReduced = 0x80;
constexpr u32 kTcpProtocol = 6;

// A frame of 64 KiB in the least segments that a network has to take.
constexpr std::size_t kMostSegments = 4096;

u16 load16(std::span<const u8> bytes, std::size_t at) {
  return static_cast<u16>(bytes[at] << 8 | bytes[at + 1]);
}
u32 load32(std::span<const u8> bytes, std::size_t at) {
  return u32{load16(bytes, at)} << 16 | load16(bytes, at + 2);
}
void store16(std::span<u8> bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<u8>(value >> 8);
  bytes[at + 1] = static_cast<u8>(value);
}

// The sum of 16-bit words, not yet folded to 16 bits.
u64 sum_of(std::span<const u8> bytes) {
  u64 sum = 0;
  std::size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) sum += load32(bytes, i);
  if (i + 2 <= bytes.size()) {
    sum += load16(bytes, i);
    i += 2;
  }
  if (i < bytes.size()) sum += u64{bytes[i]} << 8;
  return sum;
}

u16 fold(u64 sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<u16>(sum);
}

// Where the headers of a TCP segment lie in its frame.
struct Headers {
  std::size_t ip = 0;
  std::size_t tcp = 0;
  std::size_t payload = 0;
  bool is_ipv6 = false;
};

bool find_headers(const FrameOffload& left, std::span<const u8> frame, Headers& found) {
  std::size_t at = kTypeOffset;
  const auto type_at = [&](std::size_t offset) -> u16 {
    return offset + 2 <= frame.size() ? load16(frame, offset) : u16{0};
  };
  while (type_at(at) == kTagged || type_at(at) == kServiceTagged) at += 4;
  const unsigned kind = left.segmentation & ~unsigned{FrameOffload::kEcn};
  found.is_ipv6 = kind == FrameOffload::kTcp6;
  if (!found.is_ipv6 && kind != FrameOffload::kTcp4) return false;
  if (type_at(at) != (found.is_ipv6 ? kIpv6 : kIpv4)) return false;
  found.ip = at + 2;
  found.tcp = left.checksum_start;
  if (!left.needs_checksum() || left.checksum_offset != kTcpChecksum) return false;
  if (found.tcp < found.ip + (found.is_ipv6 ? kIpv6Header : kIpv4Header) ||
      found.tcp + kTcpHeader > frame.size())
    return false;
  if (!found.is_ipv6 && found.tcp != found.ip + (frame[found.ip] & 0xfU) * 4) return false;
  const std::size_t tcp_header = (frame[found.tcp + kTcpDataOffset] >> 4) * std::size_t{4};
  found.payload = found.tcp + tcp_header;
  return tcp_header >= kTcpHeader && found.payload <= frame.size();
}

u64 pseudo_header_sum(const Headers& headers, std::span<const u8> frame) {
  const std::span<const u8> addresses = headers.is_ipv6
                                            ? frame.subspan(headers.ip + kIpv6Addresses, 32)
                                            : frame.subspan(headers.ip + kIpv4Addresses, 8);
  return sum_of(addresses) + kTcpProtocol + (frame.size() - headers.tcp);
}

// Lengths and checksums of a segment, whose headers were copied from the whole.
void finish_segment(const Headers& headers, std::span<u8> frame) {
  if (headers.is_ipv6) {
    store16(frame, headers.ip + kIpv6Length, frame.size() - headers.ip - kIpv6Header);
  } else {
    store16(frame, headers.ip + kIpv4Length, frame.size() - headers.ip);
    store16(frame, headers.ip + kIpv4Checksum, 0);
    store16(frame, headers.ip + kIpv4Checksum,
            internet_checksum(frame.subspan(headers.ip, headers.tcp - headers.ip)));
  }
  const std::size_t checksum = headers.tcp + kTcpChecksum;
  store16(frame, checksum, 0);
  const u64 sum = pseudo_header_sum(headers, frame) + sum_of(frame.subspan(headers.tcp));
  store16(frame, checksum, static_cast<u16>(~fold(sum)));
}

}  // namespace

u16 internet_checksum(std::span<const u8> bytes, u32 initial) {
  return static_cast<u16>(~fold(sum_of(bytes) + initial));
}

bool complete_checksum(const FrameOffload& left, std::span<u8> frame) {
  if (!left.needs_checksum()) return true;
  const std::size_t place = std::size_t{left.checksum_start} + left.checksum_offset;
  if (left.checksum_start >= frame.size() || place + 2 > frame.size()) return false;
  const u16 checksum = internet_checksum(frame.subspan(left.checksum_start));
  // UDP says "no checksum" by 0, and both are the same sum. [RFC 768]
  store16(frame, place, checksum == 0 ? 0xffff : checksum);
  return true;
}

bool segment_frame(const FrameOffload& left, std::span<const u8> frame,
                   const std::function<void(std::span<const u8>)>& each) {
  Headers headers;
  if (!find_headers(left, frame, headers) || left.segment_size == 0) return false;
  const std::span<const u8> payload = frame.subspan(headers.payload);
  const std::size_t size = left.segment_size;
  const std::size_t count = std::max<std::size_t>((payload.size() + size - 1) / size, 1);
  if (count > kMostSegments) return false;

  const u32 sequence = load32(frame, headers.tcp + kTcpSequence);
  const u16 id = load16(frame, headers.ip + kIpv4Id);
  std::vector<u8> segment;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = i * size;
    const std::span<const u8> part = payload.subspan(at, std::min(size, payload.size() - at));
    segment.assign(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(headers.payload));
    segment.insert(segment.end(), part.begin(), part.end());
    const u32 own_sequence = sequence + static_cast<u32>(at);
    store16(segment, headers.tcp + kTcpSequence, own_sequence >> 16);
    store16(segment, headers.tcp + kTcpSequence + 2, own_sequence & 0xffff);
    u8& flags = segment[headers.tcp + kTcpFlags];
    if (i != 0) flags &= static_cast<u8>(~kCongestionWindowReduced);
    if (i + 1 != count) flags &= static_cast<u8>(~(kFin | kPush));
    if (!headers.is_ipv6) store16(segment, headers.ip + kIpv4Id, id + i);
    finish_segment(headers, segment);
    each(segment);
  }
  return true;
}

}  // namespace backplane
