// SPDX-License-Identifier: MIT
// The date at which the real-time clock starts, as users write it.
#pragma once

#include <string>
#include <string_view>

#include "backplane/property.h"
#include "backplane/types.h"

namespace backplane {
namespace pc {

struct RtcBase {
  // Auto: Utc, or a date that is always the same with instruction counting. Utc and LocalTime are
  // the host's date.
  enum class Kind { Auto, Utc, LocalTime, Date };

  Kind kind = Kind::Auto;
  i64 seconds = 0;   // since 1970 in UTC; Date alone
  std::string text;  // as it was written; empty: its default

  // Seconds that the host's local time is ahead of UTC at this time, in seconds since 1970.
  static i64 local_offset(i64 seconds);
};

}  // namespace pc

// parse() takes utc, localtime, auto, seconds since 1970, YYYY-MM-DD, YYYY-MM-DDThh:mm:ss.
template <>
struct PropertyTraits<pc::RtcBase> {
  static constexpr std::string_view kTypeName = "str";
  static std::string print(const pc::RtcBase& base);
  static pc::RtcBase parse(std::string_view text);
};

}  // namespace backplane
