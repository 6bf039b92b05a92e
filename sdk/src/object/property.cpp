// SPDX-License-Identifier: MIT
// How the basic property types are read from text and printed.
#include "backplane/property.h"

#include <bit>
#include <charconv>
#include <optional>

namespace backplane {

namespace {

// Digits in base 10, or base 16 after "0x"; nullopt if anything else is in the text or the value
// does not fit 64 bits.
std::optional<u64> parse_magnitude(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  u64 value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

// log2 of the factor a size's suffix stands for; nullopt if the letter is none.
std::optional<unsigned> suffix_shift(char letter) {
  switch (letter) {
    case 'B':
    case 'b':
      return 0;
    case 'K':
    case 'k':
      return 10;
    case 'M':
    case 'm':
      return 20;
    case 'G':
    case 'g':
      return 30;
    case 'T':
    case 't':
      return 40;
    case 'P':
    case 'p':
      return 50;
    case 'E':
    case 'e':
      return 60;
    default:
      return std::nullopt;
  }
}

// "1.5" times 2^shift, rounded down; nullopt if it is malformed or too large.
std::optional<u64> scaled(std::string_view number, unsigned shift) {
  const std::size_t point = number.find('.');
  const std::optional<u64> whole = parse_magnitude(number.substr(0, point));
  if (!whole || (shift != 0 && (*whole >> (64 - shift)) != 0)) return std::nullopt;
  const u64 base = *whole << shift;
  if (point == std::string_view::npos) return base;
  const std::string_view digits = number.substr(point + 1);
  const bool hexadecimal = number.starts_with("0x") || number.starts_with("0X");
  if (shift == 0 || digits.empty() || digits.size() > 18 || hexadecimal) return std::nullopt;
  u64 numerator = 0;
  u64 denominator = 1;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    numerator = numerator * 10 + static_cast<u64>(digit - '0');
    denominator *= 10;
  }
  __extension__ using Wide = unsigned __int128;
  const u64 fraction = static_cast<u64>((static_cast<Wide>(numerator) << shift) / denominator);
  return base + fraction;
}

Error no_size(u64 unit) {
  if (unit == 1) return Error("expects a size in bytes, such as 512K, 64M or 1.5G");
  return Error::of("expects a size such as 512K, 64M or 1.5G; a number alone is in units of {}",
                   PropertyTraits<Size>::print(Size{unit}));
}

}  // namespace

u64 parse_unsigned(std::string_view text, u64 min, u64 max) {
  const std::optional<u64> value = parse_magnitude(text);
  if (!value || *value < min || *value > max)
    throw Error::of("expects a number from {} to {}", min, max);
  return *value;
}

i64 parse_signed(std::string_view text, i64 min, i64 max) {
  const bool negative = text.starts_with('-');
  const std::optional<u64> magnitude = parse_magnitude(text.substr(negative ? 1 : 0));
  // The magnitude of the least i64 is one above that of the greatest.
  const u64 limit = negative ? ~static_cast<u64>(min) + 1 : static_cast<u64>(max);
  if (!magnitude || *magnitude > limit) throw Error::of("expects a number from {} to {}", min, max);
  return negative ? static_cast<i64>(~*magnitude + 1) : static_cast<i64>(*magnitude);
}

u64 parse_size(std::string_view text, u64 unit) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const std::optional<unsigned> suffix =
      text.empty() || hexadecimal ? std::nullopt : suffix_shift(text.back());
  const std::optional<u64> value =
      suffix ? scaled(text.substr(0, text.size() - 1), *suffix)
             : scaled(text, static_cast<unsigned>(std::countr_zero(unit)));
  if (!value) throw no_size(unit);
  return *value;
}

bool PropertyTraits<bool>::parse(std::string_view text) {
  if (text == "on" || text == "yes" || text == "true" || text == "y") return true;
  if (text == "off" || text == "no" || text == "false" || text == "n") return false;
  throw Error("expects on or off");
}

std::string PropertyTraits<bool>::print(bool value) { return value ? "on" : "off"; }

AutoNumber PropertyTraits<AutoNumber>::parse(std::string_view text) {
  if (text == "auto") return {};
  try {
    return {PropertyTraits<u32>::parse(text)};
  } catch (const Error& error) {
    throw Error::of("{}, or auto", error.what());
  }
}

std::string PropertyTraits<AutoNumber>::print(AutoNumber value) {
  return value.value == AutoNumber::kAuto ? "auto" : std::to_string(value.value);
}

OnOffAuto PropertyTraits<OnOffAuto>::parse(std::string_view text) {
  if (text == "auto") return OnOffAuto::Auto;
  try {
    return PropertyTraits<bool>::parse(text) ? OnOffAuto::On : OnOffAuto::Off;
  } catch (const Error&) {
    throw Error("expects on, off or auto");
  }
}

std::string PropertyTraits<OnOffAuto>::print(OnOffAuto value) {
  switch (value) {
    case OnOffAuto::On:
      return "on";
    case OnOffAuto::Off:
      return "off";
    case OnOffAuto::Auto:
      break;
  }
  return "auto";
}

Size PropertyTraits<Size>::parse(std::string_view text) { return Size{parse_size(text)}; }

std::string PropertyTraits<Size>::print(Size value) {
  static constexpr std::string_view kSuffixes = "KMGTPE";
  unsigned step = 0;
  while (step < kSuffixes.size() && value.bytes != 0 &&
         value.bytes % (u64{1} << (10 * (step + 1))) == 0)
    ++step;
  if (step == 0) return std::to_string(value.bytes);
  return std::to_string(value.bytes >> (10 * step)) + kSuffixes[step - 1];
}

}  // namespace backplane
