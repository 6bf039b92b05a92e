// SPDX-License-Identifier: MIT
#include "virtio/steering.h"

#include <algorithm>
#include <array>

#include "backplane/virtio/scatter_gather.h"

namespace backplane {

namespace {

// [IEEE 802.3; RFC 791 "Internet Header Format"; RFC 8200 "IPv6 Header Format"]
constexpr std::size_t kIp = 14;
constexpr std::size_t kIpv4Addresses = kIp + 12;
constexpr std::size_t kIpv6Addresses = kIp + 8;
constexpr std::size_t kIpv6Ports = kIp + 40;
constexpr std::size_t kMostHeaders = kIp + 60 + 4;

unsigned mix(std::span<const u8> bytes) {
  unsigned sum = 0;
  for (const u8 byte : bytes) sum += byte;
  return sum;
}

// The same for both directions of a flow: sums of what they have swapped.
unsigned bucket_of(std::span<const u8> headers) {
  if (headers.size() < kIpv6Ports + 4) return 0;
  const unsigned version = headers[kIp] >> 4;
  if (version == 6)
    return mix(headers.subspan(kIpv6Addresses, 32)) + mix(headers.subspan(kIpv6Ports, 4));
  if (version != 4) return 0;
  const std::size_t ports = kIp + (headers[kIp] & 0xfU) * 4;
  unsigned sum = mix(headers.subspan(kIpv4Addresses, 8));
  if (ports + 4 <= headers.size()) sum += mix(headers.subspan(ports, 4));
  return sum;
}

}  // namespace

void FlowSteering::sent(std::span<const iovec> frame, u16 pair) {
  std::array<u8, kMostHeaders> headers;
  const u64 size = gather(frame, 0, headers.data(), headers.size());
  pair_of_[bucket_of(std::span(headers).first(size)) % kBuckets] = pair;
}

u16 FlowSteering::pair_for(std::span<const u8> frame, u16 pairs) const {
  const u16 pair =
      pair_of_[bucket_of(frame.first(std::min(frame.size(), kMostHeaders))) % kBuckets];
  return pair < pairs ? pair : u16{0};
}

}  // namespace backplane
