// SPDX-License-Identifier: MIT
// Values: what management asks for and is told, before it is anybody's text. The human monitor
// prints them, QMP and `help,format=json` write them as JSON (json.h), and a ValueType says of what
// shape they are.
//
// No locks, no thread of their own: a value belongs to who has it.
#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "backplane/types.h"

namespace backplane {

// Null, a boolean, a whole number (from the least i64 to the greatest u64), a number, a string
// (UTF-8), a list, or a record: named values in the order that they were added in.
class Value {
 public:
  struct Field;
  using List = std::vector<Value>;
  using Record = std::vector<Field>;
  enum class Kind { Null, Boolean, Integer, Number, String, List, Record };

  Value();
  Value(bool value);
  template <std::integral T>
  requires(!std::same_as<T, bool>) Value(T value);
  Value(double value);
  Value(std::string value);
  Value(std::string_view value);
  Value(const char* value);
  Value(List value);
  Value(Record value);
  // A pointer is no boolean.
  template <class T>
  Value(T*) = delete;

  Kind kind() const;
  bool is_null() const { return kind() == Kind::Null; }
  // What it holds. Throws Error, "expects ...", if it is of another kind, or does not fit.
  bool as_bool() const;
  i64 as_signed() const;
  u64 as_unsigned() const;
  double as_number() const;  // a whole number too
  const std::string& as_string() const;
  const List& as_list() const;
  const Record& as_record() const;
  // The field of that name; null if it is no record, or has none.
  const Value* find(std::string_view name) const;

  bool operator==(const Value& other) const;

 private:
  static constexpr i64 kMostSigned = 0x7fff'ffff'ffff'ffff;
  std::variant<std::monostate, bool, i64, u64, double, std::string, List, Record> data_;
};

struct Value::Field {
  std::string name;
  Value value;
  bool operator==(const Field&) const = default;
};

// Here, for a Field has to be complete.
inline Value::Value() = default;
inline Value::Value(bool value) : data_(value) {}
template <std::integral T>
requires(!std::same_as<T, bool>) Value::Value(T value) {
  // Whole numbers have one form each, so that equal ones compare as equal.
  if constexpr (std::is_signed_v<T>) {
    data_ = static_cast<i64>(value);
  } else {
    const u64 number = value;
    if (number <= static_cast<u64>(kMostSigned)) {
      data_ = static_cast<i64>(number);
    } else {
      data_ = number;
    }
  }
}
inline Value::Value(double value) : data_(value) {}
inline Value::Value(std::string value) : data_(std::move(value)) {}
inline Value::Value(std::string_view value) : data_(std::string(value)) {}
inline Value::Value(const char* value) : data_(std::string(value)) {}
inline Value::Value(List value) : data_(std::move(value)) {}
inline Value::Value(Record value) : data_(std::move(value)) {}

// For people: a scalar as it is, booleans as on and off; a record as "name: value", a line each; a
// list with a line for each element, which begins, if it is a record, with its first field. Each
// line ends with a newline; nothing is said of null.
std::string to_text(const Value& value);
// The same of a scalar alone, without a newline; empty for null. Throws Error, "expects a string, a
// number or a boolean", at a list or a record.
std::string scalar_text(const Value& value);

// --- types ------------------------------------------------------------------------------------

struct TypeMember;

// What shape a value has. Constant data: what it refers to outlives it.
struct ValueType {
  enum class Kind { Null, Any, Boolean, Integer, Size, Number, String, Enumeration, List, Record };
  Kind kind = Kind::Null;
  std::span<const TypeMember> members = {};            // of a record
  bool open = false;                                   // a record that may have others too
  std::span<const std::string_view> enumerators = {};  // of an enumeration
  const ValueType* element = nullptr;                  // of a list
};

struct TypeMember {
  std::string_view name;
  const ValueType* type;
  bool optional = false;
};

inline constexpr ValueType kNothing{ValueType::Kind::Null};
inline constexpr ValueType kAnything{ValueType::Kind::Any};
inline constexpr ValueType kBoolean{ValueType::Kind::Boolean};
inline constexpr ValueType kInteger{ValueType::Kind::Integer};
inline constexpr ValueType kBytes{ValueType::Kind::Size};  // a number of them
inline constexpr ValueType kNumber{ValueType::Kind::Number};
inline constexpr ValueType kText{ValueType::Kind::String};

constexpr ValueType list_of(const ValueType& element) {
  return {.kind = ValueType::Kind::List, .element = &element};
}
constexpr ValueType record_of(std::span<const TypeMember> members) {
  return {.kind = ValueType::Kind::Record, .members = members};
}
// Named members, and any others.
constexpr ValueType open_record_of(std::span<const TypeMember> members) {
  return {.kind = ValueType::Kind::Record, .members = members, .open = true};
}
constexpr ValueType one_of(std::span<const std::string_view> enumerators) {
  return {.kind = ValueType::Kind::Enumeration, .enumerators = enumerators};
}

// Throws Error saying which part of the value is not as its type has it, in the words of QEMU's
// QMP, which programs look for: "Parameter 'id' is missing", "Invalid parameter type for 'id',
// expected: string", "Parameter 'x' is unexpected". `name` is what the value itself is called.
void check(const ValueType& type, const Value& value, std::string_view name = {});

// What a type is called where words of JSON are expected: "string", "integer", "object".
std::string_view json_name(const ValueType& type);

}  // namespace backplane
