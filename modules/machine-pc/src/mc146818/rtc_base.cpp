// SPDX-License-Identifier: MIT
#include "mc146818/rtc_base.h"

#include <chrono>
#include <ctime>
#include <optional>
#include <utility>

#include "backplane/error.h"

namespace backplane {

namespace pc {

namespace {

// Beyond, nanoseconds since 1970 are too many.
constexpr int kFirstYear = 1970, kLastYear = 2261;

i64 seconds_of(std::chrono::year_month_day date, unsigned hour, unsigned minute, unsigned second) {
  const std::chrono::sys_seconds time = std::chrono::sys_days{date} + std::chrono::hours{hour} +
                                        std::chrono::minutes{minute} + std::chrono::seconds{second};
  return time.time_since_epoch().count();
}

// Takes as many digits as there should be, and what separates them from the next ones.
std::optional<unsigned> take_number(std::string_view& text, unsigned digits, char separator) {
  unsigned number = 0;
  if (text.size() < digits) return std::nullopt;
  for (const char digit : text.substr(0, digits)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + static_cast<unsigned>(digit - '0');
  }
  text.remove_prefix(digits);
  if (separator == '\0') return text.empty() ? std::optional(number) : std::nullopt;
  if (text.empty() || text.front() != separator) return std::nullopt;
  text.remove_prefix(1);
  return number;
}

std::optional<i64> parse_date(std::string_view text) {
  const bool has_time = text.find('T') != std::string_view::npos;
  const auto year = take_number(text, 4, '-');
  const auto month = year ? take_number(text, 2, '-') : std::nullopt;
  const auto day = month ? take_number(text, 2, has_time ? 'T' : '\0') : std::nullopt;
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok() || date.year() < std::chrono::year{kFirstYear} ||
      date.year() > std::chrono::year{kLastYear})
    return std::nullopt;
  if (!has_time) return seconds_of(date, 0, 0, 0);
  const auto hour = take_number(text, 2, ':');
  const auto minute = hour ? take_number(text, 2, ':') : std::nullopt;
  const auto second = minute ? take_number(text, 2, '\0') : std::nullopt;
  if (!second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return seconds_of(date, *hour, *minute, *second);
}

std::optional<i64> parse_seconds(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return PropertyTraits<u32>::parse(text);
}

}  // namespace

i64 RtcBase::local_offset(i64 seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  // Not for several threads at once: the machine lock is held.
  const std::tm* const local = std::localtime(&time);
  if (local == nullptr) return 0;
  const std::chrono::year_month_day date{
      std::chrono::year{local->tm_year + 1900},
      std::chrono::month{static_cast<unsigned>(local->tm_mon + 1)},
      std::chrono::day{static_cast<unsigned>(local->tm_mday)}};
  return seconds_of(date, static_cast<unsigned>(local->tm_hour),
                    static_cast<unsigned>(local->tm_min), static_cast<unsigned>(local->tm_sec)) -
         seconds;
}

}  // namespace pc

std::string PropertyTraits<pc::RtcBase>::print(const pc::RtcBase& base) {
  return base.text.empty() ? "auto" : base.text;
}

pc::RtcBase PropertyTraits<pc::RtcBase>::parse(std::string_view text) {
  using Kind = pc::RtcBase::Kind;
  std::string written(text);
  if (text == "auto") return {Kind::Auto, 0, std::move(written)};
  if (text == "utc") return {Kind::Utc, 0, std::move(written)};
  if (text == "localtime") return {Kind::LocalTime, 0, std::move(written)};
  auto seconds = pc::parse_seconds(text);
  if (!seconds) seconds = pc::parse_date(text);
  if (!seconds)
    throw Error::of(
        "'{}': expects utc, localtime, a date (2026-01-31, 2026-01-31T23:59:59), or seconds since "
        "1970",
        text);
  return {Kind::Date, *seconds, std::move(written)};
}

}  // namespace backplane
