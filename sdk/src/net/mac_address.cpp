// SPDX-License-Identifier: MIT
#include <fmt/ranges.h>

#include <charconv>

#include "backplane/netdev.h"

namespace backplane {

std::span<const StateMember> MacAddress::members() {
  static const StateMember kMembers[] = {member<&MacAddress::bytes>("bytes")};
  return kMembers;
}

MacAddress PropertyTraits<MacAddress>::parse(std::string_view text) {
  const auto malformed = [] { return Error("expects six bytes, such as 52:54:00:12:34:56"); };
  MacAddress address;
  for (std::size_t i = 0; i < address.bytes.size(); ++i) {
    const std::string_view byte = text.substr(0, 2);
    const char* const end = byte.data() + byte.size();
    const auto [stop, error] = std::from_chars(byte.data(), end, address.bytes[i], 16);
    if (byte.size() != 2 || error != std::errc() || stop != end) throw malformed();
    text.remove_prefix(2);
    if (i + 1 == address.bytes.size()) break;
    if (!text.starts_with(':') && !text.starts_with('-')) throw malformed();
    text.remove_prefix(1);
  }
  if (!text.empty()) throw malformed();
  // [IEEE 802 "Universal addresses": the group bit]
  if ((address.bytes[0] & 1) != 0)
    throw Error("that is the address of a group: expects an even first byte");
  return address;
}

std::string PropertyTraits<MacAddress>::print(const MacAddress& value) {
  if (!value.is_set()) return {};
  return fmt::format("{:02x}", fmt::join(value.bytes, ":"));
}

}  // namespace backplane
