// SPDX-License-Identifier: MIT
#include "backplane/value.h"

#include <cmath>
#include <limits>

#include "backplane/error.h"

namespace backplane {

static_assert(sizeof(Value) <= 40);

Value::Kind Value::kind() const {
  static constexpr Kind kKinds[] = {Kind::Null,   Kind::Boolean, Kind::Integer, Kind::Integer,
                                    Kind::Number, Kind::String,  Kind::List,    Kind::Record};
  return kKinds[data_.index()];
}

bool Value::as_bool() const {
  if (const bool* const value = std::get_if<bool>(&data_)) return *value;
  throw Error("expects a boolean");
}

i64 Value::as_signed() const {
  if (const i64* const value = std::get_if<i64>(&data_)) return *value;
  throw Error::of("expects a whole number up to {}", std::numeric_limits<i64>::max());
}

u64 Value::as_unsigned() const {
  if (const u64* const value = std::get_if<u64>(&data_)) return *value;
  if (const i64* const value = std::get_if<i64>(&data_); value != nullptr && *value >= 0)
    return static_cast<u64>(*value);
  throw Error("expects a whole number that is not negative");
}

double Value::as_number() const {
  if (const double* const value = std::get_if<double>(&data_)) return *value;
  if (const u64* const value = std::get_if<u64>(&data_)) return static_cast<double>(*value);
  if (const i64* const value = std::get_if<i64>(&data_)) return static_cast<double>(*value);
  throw Error("expects a number");
}

const std::string& Value::as_string() const {
  if (const std::string* const value = std::get_if<std::string>(&data_)) return *value;
  throw Error("expects a string");
}

const Value::List& Value::as_list() const {
  if (const List* const value = std::get_if<List>(&data_)) return *value;
  throw Error("expects a list");
}

const Value::Record& Value::as_record() const {
  if (const Record* const value = std::get_if<Record>(&data_)) return *value;
  throw Error("expects a record");
}

const Value* Value::find(std::string_view name) const {
  const Record* const record = std::get_if<Record>(&data_);
  if (record == nullptr) return nullptr;
  for (const Field& field : *record)
    if (field.name == name) return &field.value;
  return nullptr;
}

bool Value::operator==(const Value& other) const { return data_ == other.data_; }

}  // namespace backplane
