// SPDX-License-Identifier: MIT
// Properties: typed, named, described values of an object, set from text.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "backplane/error.h"
#include "backplane/types.h"

namespace backplane {

class Object;
class Value;

// "on" and "off", or left to the implementation.
enum class OnOffAuto { Auto, On, Off };

// A number of bytes; parses suffixes K, M, G, T (binary).
struct Size {
  u64 bytes = 0;
  constexpr operator u64() const { return bytes; }  // NOLINT: a Size is its number of bytes
};

// How a value type is named, parsed and printed. parse() throws Error describing what was
// expected ("expects a number from 0 to 255"); it never changes anything but its result.
template <class T, class = void>
struct PropertyTraits;

template <>
struct PropertyTraits<bool> {
  static constexpr std::string_view kTypeName = "bool";
  static bool parse(std::string_view text);  // on, off, yes, no, true, false
  static std::string print(bool value);
};
template <>
struct PropertyTraits<std::string> {
  static constexpr std::string_view kTypeName = "str";
  static std::string parse(std::string_view text) { return std::string(text); }
  static std::string print(const std::string& value) { return value; }
};
template <>
struct PropertyTraits<OnOffAuto> {
  static constexpr std::string_view kTypeName = "OnOffAuto";
  static OnOffAuto parse(std::string_view text);
  static std::string print(OnOffAuto value);
};
template <>
struct PropertyTraits<Size> {
  static constexpr std::string_view kTypeName = "size";
  static Size parse(std::string_view text);
  static std::string print(Size value);
};

// How numbers are read wherever a user writes one: digits, or hexadecimal ones after "0x". Throws
// Error, "expects a number from MIN to MAX".
u64 parse_unsigned(std::string_view text, u64 min, u64 max);
i64 parse_signed(std::string_view text, i64 min, i64 max);
// The same for sizes, in bytes: a number or a decimal fraction with a suffix (B, K, M, G, T, P, E;
// powers of 1024). A number without one counts `unit` bytes, a power of two. Throws Error, "expects
// a size ...".
u64 parse_size(std::string_view text, u64 unit = 1);

template <class T>
struct PropertyTraits<T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>> {
  static constexpr std::string_view kTypeName = std::is_signed_v<T> ? (sizeof(T) == 1   ? "int8"
                                                                       : sizeof(T) == 2 ? "int16"
                                                                       : sizeof(T) == 4 ? "int32"
                                                                                        : "int64")
                                                                    : (sizeof(T) == 1   ? "uint8"
                                                                       : sizeof(T) == 2 ? "uint16"
                                                                       : sizeof(T) == 4 ? "uint32"
                                                                                        : "uint64");
  static T parse(std::string_view text) {
    if constexpr (std::is_signed_v<T>)
      return static_cast<T>(
          parse_signed(text, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    else
      return static_cast<T>(parse_unsigned(text, 0, std::numeric_limits<T>::max()));
  }
  static std::string print(T value) { return std::to_string(value); }
};

// One row of a type's property table. Getters and setters are plain functions so that a class
// object is cheap to copy; a setter parses aside, so that a failed set changes nothing.
struct Property {
  std::string name;
  std::string type_name;
  std::string description;
  std::string (*get)(const Object&) = nullptr;
  void (*set)(Object&, std::string_view text) = nullptr;  // null: read-only
  bool dynamic = false;                                   // may change after the object is realized
  Value (*value)(const Object&) = nullptr;  // to programs, where that is more than a text
};

// A number, or "auto".
struct AutoNumber {
  static constexpr u32 kAuto = ~u32{0};
  u32 value = kAuto;

  u32 value_or(u32 otherwise) const { return value == kAuto ? otherwise : value; }
};
template <>
struct PropertyTraits<AutoNumber> {
  static constexpr std::string_view kTypeName = "uint32 or auto";
  static AutoNumber parse(std::string_view text);
  static std::string print(AutoNumber value);
};

}  // namespace backplane
