// SPDX-License-Identifier: MIT
// What a user says of the network: addresses and forwarded ports, read from text.
#pragma once

#include <netinet/in.h>

#include <string>
#include <string_view>
#include <vector>

#include "backplane/property.h"

namespace backplane {

// An IPv4 address; not set: the default for its network.
struct Ipv4Address {
  u32 value = 0;  // host order

  bool is_set() const { return value != 0; }
  in_addr raw() const { return {htonl(value)}; }
};
template <>
struct PropertyTraits<Ipv4Address> {
  static constexpr std::string_view kTypeName = "ipv4";
  static Ipv4Address parse(std::string_view text);
  static std::string print(Ipv4Address value);
};

// An IPv6 address; not set: the default for its network.
struct Ipv6Address {
  in6_addr raw{};

  bool is_set() const { return !IN6_IS_ADDR_UNSPECIFIED(&raw); }
};
template <>
struct PropertyTraits<Ipv6Address> {
  static constexpr std::string_view kTypeName = "ipv6";
  static Ipv6Address parse(std::string_view text);
  static std::string print(const Ipv6Address& value);
};

// "fec0::/64". The guest's network by IPv6.
struct Ipv6Network {
  Ipv6Address prefix{{{{0xfe, 0xc0}}}};
  u8 length = 64;

  bool contains(const Ipv6Address& other) const;
  // One of its addresses by number.
  Ipv6Address at(u8 number) const;
};
template <>
struct PropertyTraits<Ipv6Network> {
  static constexpr std::string_view kTypeName = "ipv6 network";
  static Ipv6Network parse(std::string_view text);
  static std::string print(const Ipv6Network& value);
};

// "10.0.2.0/24". The guest's network: at least four addresses.
struct Ipv4Network {
  u32 address = 0x0a00'0200;  // host order, as all below
  u32 mask = 0xffff'ff00;

  bool contains(Ipv4Address other) const { return (other.value & mask) == address; }
  // One of its addresses by number: 2 is its third.
  Ipv4Address at(u32 number) const { return {address + number}; }
};
template <>
struct PropertyTraits<Ipv4Network> {
  static constexpr std::string_view kTypeName = "ipv4 network";
  static Ipv4Network parse(std::string_view text);
  static std::string print(const Ipv4Network& value);
};

// "tcp:127.0.0.1:8080-10.0.2.15:80": what arrives at a port of the host goes to one of the guest's.
// Both addresses may be left out: all of the host's, the first that the guest is given.
struct PortForward {
  bool udp = false;
  Ipv4Address host_address;
  u16 host_port = 0;
  Ipv4Address guest_address;
  u16 guest_port = 0;

  std::string text() const;
};
PortForward parse_port_forward(std::string_view text);
// The first half of one, "tcp:[HOSTADDRESS]:HOSTPORT", to take it back.
PortForward parse_host_side(std::string_view text);

// "tcp:10.0.2.100:80-unix:/run/web": who connects to an address of the guest's network reaches
// something of the host's.
struct GuestForward {
  enum class Target { Command, Unix, Chardev };
  Ipv4Address address;
  u16 port = 0;
  Target target = Target::Command;
  std::string what;  // a command for a shell, a path, or an id

  std::string text() const;
};
GuestForward parse_guest_forward(std::string_view text);

}  // namespace backplane
