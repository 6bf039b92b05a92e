// SPDX-License-Identifier: MIT
#include "settings.h"

#include <arpa/inet.h>

#include <algorithm>

#include "backplane/error.h"

namespace backplane {

namespace {

constexpr unsigned kShortestMask = 8;
constexpr unsigned kLongestMask = 30;

constexpr const char* kPortForwardForm =
    "expects tcp|udp:[HOSTADDRESS]:HOSTPORT-[GUESTADDRESS]:GUESTPORT";
constexpr const char* kHostSideForm = "expects tcp|udp:[HOSTADDRESS]:HOSTPORT";
constexpr const char* kGuestForwardForm =
    "expects tcp:ADDRESS:PORT-cmd:COMMAND, -unix:PATH or -chardev:ID";

// What stands before the separator; the rest stays in `text`. Throws Error if it is not there.
std::string_view take_until(std::string_view& text, char separator, const char* form) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) throw Error(form);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at + 1);
  return part;
}

Ipv4Address optional_address(std::string_view text) {
  return text.empty() ? Ipv4Address{} : PropertyTraits<Ipv4Address>::parse(text);
}

u16 parse_port(std::string_view text) { return static_cast<u16>(parse_unsigned(text, 1, 0xffff)); }

std::string optional_text(Ipv4Address address) {
  return address.is_set() ? PropertyTraits<Ipv4Address>::print(address) : std::string();
}

}  // namespace

Ipv4Address PropertyTraits<Ipv4Address>::parse(std::string_view text) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1 || address.s_addr == 0)
    throw Error::of("'{}' is no address: expects one such as 10.0.2.2", text);
  return {ntohl(address.s_addr)};
}

std::string PropertyTraits<Ipv4Address>::print(Ipv4Address value) {
  if (!value.is_set()) return {};
  return fmt::format("{}.{}.{}.{}", value.value >> 24, value.value >> 16 & 0xff,
                     value.value >> 8 & 0xff, value.value & 0xff);
}

Ipv4Network PropertyTraits<Ipv4Network>::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const Ipv4Address address = PropertyTraits<Ipv4Address>::parse(text.substr(0, slash));
  u64 length = 24;
  if (slash != std::string_view::npos)
    length = parse_unsigned(text.substr(slash + 1), kShortestMask, kLongestMask);
  Ipv4Network network;
  network.mask = ~u32{0} << (32 - length);
  network.address = address.value & network.mask;
  return network;
}

std::string PropertyTraits<Ipv4Network>::print(const Ipv4Network& value) {
  return fmt::format("{}/{}", PropertyTraits<Ipv4Address>::print({value.address}),
                     __builtin_popcount(value.mask));
}

Ipv6Address PropertyTraits<Ipv6Address>::parse(std::string_view text) {
  Ipv6Address address;
  if (inet_pton(AF_INET6, std::string(text).c_str(), &address.raw) != 1 || !address.is_set())
    throw Error::of("'{}' is no address: expects one such as fec0::2", text);
  return address;
}

std::string PropertyTraits<Ipv6Address>::print(const Ipv6Address& value) {
  if (!value.is_set()) return {};
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, &value.raw, text, sizeof text);
}

bool Ipv6Network::contains(const Ipv6Address& other) const {
  for (unsigned bit = 0; bit < length; ++bit)
    if (((prefix.raw.s6_addr[bit / 8] ^ other.raw.s6_addr[bit / 8]) >> (7 - bit % 8) & 1) != 0)
      return false;
  return true;
}

Ipv6Address Ipv6Network::at(u8 number) const {
  Ipv6Address address = prefix;
  address.raw.s6_addr[15] = static_cast<u8>(address.raw.s6_addr[15] | number);
  return address;
}

Ipv6Network PropertyTraits<Ipv6Network>::parse(std::string_view text) {
  constexpr u64 kShortest = 8;
  constexpr u64 kLongest = 120;
  const std::size_t slash = text.find('/');
  Ipv6Network network;
  network.prefix = PropertyTraits<Ipv6Address>::parse(text.substr(0, slash));
  if (slash != std::string_view::npos)
    network.length = static_cast<u8>(parse_unsigned(text.substr(slash + 1), kShortest, kLongest));
  for (unsigned bit = network.length; bit < 128; ++bit) {
    u8& byte = network.prefix.raw.s6_addr[bit / 8];
    byte = static_cast<u8>(byte & ~(0x80U >> bit % 8));
  }
  return network;
}

std::string PropertyTraits<Ipv6Network>::print(const Ipv6Network& value) {
  return fmt::format("{}/{}", PropertyTraits<Ipv6Address>::print(value.prefix), value.length);
}

namespace {

bool is_udp(std::string_view protocol) {
  if (protocol != "tcp" && protocol != "udp" && !protocol.empty())
    throw Error::of("'{}' is no protocol: expects tcp or udp", protocol);
  return protocol == "udp";
}

struct TargetName {
  std::string_view prefix;
  GuestForward::Target target;
};
constexpr TargetName kTargets[] = {{"cmd:", GuestForward::Target::Command},
                                   {"unix:", GuestForward::Target::Unix},
                                   {"chardev:", GuestForward::Target::Chardev}};

}  // namespace

PortForward parse_port_forward(std::string_view text) {
  PortForward forward;
  forward.udp = is_udp(take_until(text, ':', kPortForwardForm));
  forward.host_address = optional_address(take_until(text, ':', kPortForwardForm));
  forward.host_port = parse_port(take_until(text, '-', kPortForwardForm));
  forward.guest_address = optional_address(take_until(text, ':', kPortForwardForm));
  forward.guest_port = parse_port(text);
  return forward;
}

PortForward parse_host_side(std::string_view text) {
  PortForward forward;
  forward.udp = is_udp(take_until(text, ':', kHostSideForm));
  forward.host_address = optional_address(take_until(text, ':', kHostSideForm));
  forward.host_port = parse_port(text);
  return forward;
}

GuestForward parse_guest_forward(std::string_view text) {
  GuestForward forward;
  const std::string_view protocol = take_until(text, ':', kGuestForwardForm);
  if (protocol != "tcp" && !protocol.empty())
    throw Error::of("'{}' is not forwarded: expects tcp", protocol);
  forward.address = PropertyTraits<Ipv4Address>::parse(take_until(text, ':', kGuestForwardForm));
  forward.port = parse_port(take_until(text, '-', kGuestForwardForm));
  for (const TargetName& name : kTargets)
    if (text.starts_with(name.prefix) && text.size() > name.prefix.size()) {
      forward.target = name.target;
      forward.what = text.substr(name.prefix.size());
      return forward;
    }
  throw Error(kGuestForwardForm);
}

std::string GuestForward::text() const {
  const auto* const name =
      std::find_if(std::begin(kTargets), std::end(kTargets),
                   [this](const TargetName& known) { return known.target == target; });
  return fmt::format("tcp:{}:{}-{}{}", PropertyTraits<Ipv4Address>::print(address), port,
                     name->prefix, what);
}

std::string PortForward::text() const {
  return fmt::format("{}:{}:{}-{}:{}", udp ? "udp" : "tcp", optional_text(host_address), host_port,
                     optional_text(guest_address), guest_port);
}

}  // namespace backplane
