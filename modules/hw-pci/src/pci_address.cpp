// SPDX-License-Identifier: MIT
// The text form of a place on a bus: "03" or "03.1".
#include <fmt/format.h>

#include <charconv>

#include "backplane/error.h"
#include "backplane/pci/pci_device.h"

namespace backplane {

namespace {

// The hexadecimal number that is all of `text`, if it is at most `max`.
std::optional<unsigned> parse_hex(std::string_view text, unsigned max) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

}  // namespace

PciAddress PropertyTraits<PciAddress>::parse(std::string_view text) {
  if (text == "auto") return {};
  const std::size_t dot = text.find('.');
  const std::optional<unsigned> slot = parse_hex(text.substr(0, dot), 31);
  const std::optional<unsigned> function =
      dot == std::string_view::npos ? 0 : parse_hex(text.substr(dot + 1), 7);
  if (!slot || !function)
    throw Error(
        "expects a slot from 00 to 1f and perhaps a function from 0 to 7, as in 04 or 04.1");
  return PciAddress::of(*slot, *function);
}

std::string PropertyTraits<PciAddress>::print(PciAddress value) {
  if (value.devfn < 0) return "auto";
  return fmt::format("{:02x}.{}", value.devfn >> 3, value.devfn & 7);
}

}  // namespace backplane
