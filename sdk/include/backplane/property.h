// SPDX-License-Identifier: MIT
// Properties: typed, named, described values of an object. How a type is read from text, printed
// and said as a Value is here, once for each type; accessors give and take values.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "backplane/error.h"
#include "backplane/types.h"
#include "backplane/value.h"

namespace backplane {

class Object;

// "on" and "off", or left to the implementation.
enum class OnOffAuto { Auto, On, Off };

// A number of bytes; parses suffixes K, M, G, T (binary).
struct Size {
  u64 bytes = 0;
  constexpr operator u64() const { return bytes; }  // NOLINT: a Size is its number of bytes
};

// How a value type is named, parsed and printed. parse() throws Error describing what was
// expected ("expects a number from 0 to 255"); it never changes anything but its result. As a Value
// it is what it prints, unless it has value(); of which shape that is kShape says, if not kText.
template <class T, class = void>
struct PropertyTraits;

template <>
struct PropertyTraits<bool> {
  static constexpr std::string_view kTypeName = "bool";
  static constexpr const ValueType& kShape = kBoolean;
  static bool parse(std::string_view text);  // on, off, yes, no, true, false
  static std::string print(bool value);
  static Value value(bool value) { return value; }
};
// Any text, as it is.
template <>
struct PropertyTraits<std::string> {
  static constexpr std::string_view kTypeName = "str";
  static std::string parse(std::string_view text) { return std::string(text); }
  static std::string print(const std::string& value) { return value; }
};
// on, off or auto.
template <>
struct PropertyTraits<OnOffAuto> {
  static constexpr std::string_view kTypeName = "OnOffAuto";
  static OnOffAuto parse(std::string_view text);
  static std::string print(OnOffAuto value);
};
// "512", "64K", "1.5G"; without a suffix, bytes.
template <>
struct PropertyTraits<Size> {
  static constexpr std::string_view kTypeName = "size";
  static constexpr const ValueType& kShape = kBytes;
  static Size parse(std::string_view text);
  static std::string print(Size value);
  static Value value(Size value) { return value.bytes; }
};
// A value of any shape.
template <>
struct PropertyTraits<Value> {
  static constexpr std::string_view kTypeName = "value";
  static constexpr const ValueType& kShape = kAnything;
  static const Value& value(const Value& value) { return value; }
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
  static constexpr const ValueType& kShape = kInteger;
  static T parse(std::string_view text) {
    if constexpr (std::is_signed_v<T>)
      return static_cast<T>(
          parse_signed(text, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    else
      return static_cast<T>(parse_unsigned(text, 0, std::numeric_limits<T>::max()));
  }
  static std::string print(T value) { return std::to_string(value); }
  static Value value(T value) { return value; }
};

// One row of a type's property table. Getters and setters are plain functions, so that a class
// object is cheap to copy, and are given their row, so that one can serve several. A setter reads
// aside what it is given, so that a failed set changes nothing.
struct Property {
  std::string name;
  std::string type_name;  // for people: "uint8", "link<netdev>"
  std::string description;
  const ValueType* shape = &kText;                                    // of what is got
  Value (*get)(const Object& object, const Property& row) = nullptr;  // null: cannot be read
  // Is given a value of any shape that says the same, for which from_value() is. Null: read-only.
  void (*set)(Object& object, const Property& row, const Value& value) = nullptr;
  bool dynamic = false;  // may change after the object is realized
};

// A row for values of that type, without accessors.
template <class T>
Property property_row(std::string name, std::string description) {
  using Traits = PropertyTraits<T>;
  Property row{.name = std::move(name),
               .type_name = std::string(Traits::kTypeName),
               .description = std::move(description)};
  if constexpr (requires { Traits::kShape; }) row.shape = &Traits::kShape;
  return row;
}

// What a property of that type is as a Value.
template <class T>
Value to_value(const T& held) {
  if constexpr (requires { PropertyTraits<T>::value(held); })
    return PropertyTraits<T>::value(held);
  else
    return PropertyTraits<T>::print(held);
}
// What was given for a property of that type, as a value of its own shape or as people write it.
// Throws Error as PropertyTraits<T>::parse() does.
template <class T>
T from_value(const Value& given) {
  if constexpr (std::is_same_v<T, Value>)
    return given;
  else
    return PropertyTraits<T>::parse(scalar_text(given));
}

// A value of that shape as people write it: a size with its suffix, blanks between the elements of
// a list, a record as JSON.
std::string property_text(const ValueType& shape, const Value& value);
// What a record sets, as names and texts; that of a record in it is called "OUTER.INNER". Throws
// Error: there is no text for a list.
std::vector<std::pair<std::string, std::string>> property_texts(const Value::Record& record);

// A number, or "auto".
struct AutoNumber {
  static constexpr u32 kAuto = ~u32{0};
  u32 value = kAuto;

  u32 value_or(u32 otherwise) const { return value == kAuto ? otherwise : value; }
};
template <>
struct PropertyTraits<AutoNumber> {
  static constexpr std::string_view kTypeName = "uint32 or auto";
  static constexpr const ValueType& kShape = kAnything;
  static AutoNumber parse(std::string_view text);
  static std::string print(AutoNumber value);
  static Value value(AutoNumber value) {
    return value.value == AutoNumber::kAuto ? Value("auto") : Value(value.value);
  }
};

}  // namespace backplane
