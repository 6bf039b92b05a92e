// SPDX-License-Identifier: MIT
#include "options/icount_options.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "options/values.h"

namespace backplane::host {

namespace {

unsigned parse_shift(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = hexadecimal ? text.substr(2) : text;
  unsigned shift = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, problem] = std::from_chars(digits.data(), end, shift, hexadecimal ? 16 : 10);
  if (problem != std::errc{} || stop != end || shift > kMaxIcountShift)
    throw Error("icount: Invalid shift value");
  return shift;
}

}  // namespace

IcountOptions parse_icount(KeyValueList values) {
  const bool wants_align = values.has("align");
  const auto shift = values.empty() ? std::optional<std::string>("") : values.take("shift");
  IcountOptions options;
  options.enabled = true;
  options.align = take_flag(values, "align", options.align);
  options.sleep = take_flag(values, "sleep", options.sleep);
  values.expect_empty("align, shift, sleep");
  if (!shift) {
    if (wants_align) throw Error("Please specify shift option when using align");
    throw Error::of("shift is missing: expects 0 to {}, or auto", kMaxIcountShift);
  }
  if (options.align && !options.sleep) throw Error("align=on and sleep=off are incompatible");
  options.adaptive = *shift == "auto";
  if (!options.adaptive) {
    options.shift = parse_shift(*shift);
    return options;
  }
  if (options.align) throw Error("shift=auto and align=on are incompatible");
  if (!options.sleep) throw Error("shift=auto and sleep=off are incompatible");
  return options;
}

}  // namespace backplane::host
