// SPDX-License-Identifier: MIT
#include "settings.h"

#include <arpa/inet.h>

#include "backplane/error.h"

namespace backplane {

namespace {

constexpr unsigned kShortestMask = 8;
constexpr unsigned kLongestMask = 30;

// What stands before the separator; the rest stays in `text`. Throws Error if it is not there.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos)
    throw Error("expects tcp|udp:[HOSTADDRESS]:HOSTPORT-[GUESTADDRESS]:GUESTPORT");
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

PortForward parse_port_forward(std::string_view text) {
  PortForward forward;
  const std::string_view protocol = take_until(text, ':');
  if (protocol != "tcp" && protocol != "udp" && !protocol.empty())
    throw Error::of("'{}' is no protocol: expects tcp or udp", protocol);
  forward.udp = protocol == "udp";
  forward.host_address = optional_address(take_until(text, ':'));
  forward.host_port = parse_port(take_until(text, '-'));
  forward.guest_address = optional_address(take_until(text, ':'));
  forward.guest_port = parse_port(text);
  return forward;
}

std::string PortForward::text() const {
  return fmt::format("{}:{}:{}-{}:{}", udp ? "udp" : "tcp", optional_text(host_address), host_port,
                     optional_text(guest_address), guest_port);
}

}  // namespace backplane
