// SPDX-License-Identifier: MIT
// How messages show text that others wrote: what a user gave, a file's name, a guest's words.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <type_traits>

namespace backplane {

// The longest text that shown() leaves whole, in bytes.
inline constexpr std::size_t kLongestShown = 256;

// The text with everything that is not printable escaped ("\n", "\x1b"), so that it stays within
// its line and does nothing to a terminal. Escapes stay as they are if they are shown again. Any
// thread.
std::string printable(std::string_view text);

// The same, and of a text that is longer than kLongestShown its beginning and its end, and between
// them how much was left out.
std::string shown(std::string_view text);

// A text of the program's own, of any length: a list, another message.
struct OwnText {
  std::string text;
};

// What a message is formatted from: texts as shown() has them, anything else (the program's own
// texts, numbers, a list made by fmt::join) as it is.
template <class T>
decltype(auto) shown_argument(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>)
    return shown(value);
  else
    return (value);
}

}  // namespace backplane

namespace fmt {

template <>
struct formatter<backplane::OwnText> : formatter<string_view> {
  template <class Context>
  auto format(const backplane::OwnText& own, Context& context) const {
    return formatter<string_view>::format(own.text, context);
  }
};

}  // namespace fmt
