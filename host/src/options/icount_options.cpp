// SPDX-License-Identifier: MIT
#include "options/icount_options.h"

#include <optional>
#include <string_view>

#include "options/configuration.h"
#include "report.h"

namespace backplane::host {

namespace {

// The message is what other programs read.
unsigned parse_shift(std::string_view text) try {
  return static_cast<unsigned>(parse_unsigned(text, 0, kMaxIcountShift));
} catch (const Error&) {
  throw Error("icount: Invalid shift value");
}

}  // namespace

IcountOptions parse_icount(KeyValueList values) {
  const bool wants_align = values.has("align");
  const auto shift = values.empty() ? std::optional<std::string>("") : values.take("shift");
  IcountOptions options;
  options.align = values.take_as<bool>("align").value_or(options.align);
  options.sleep = values.take_as<bool>("sleep").value_or(options.sleep);
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

void set_icount(Configuration& configuration, const GivenOption& option) {
  configuration.icount = {
      with_values(option, [](KeyValueList values) { return parse_icount(std::move(values)); }),
      option.text};
}

}  // namespace backplane::host
