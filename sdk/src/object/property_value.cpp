// SPDX-License-Identifier: MIT
// Properties as values. A row's accessors speak text; what it stands for is in the row's type.
#include "backplane/object.h"

namespace backplane {

Value property_value(const Property& row, const Object& object) {
  if (row.value != nullptr) return row.value(object);
  if (row.get == nullptr) return {};
  const std::string text = row.get(object);
  const std::string_view type = row.type_name;
  if (type == PropertyTraits<bool>::kTypeName) return PropertyTraits<bool>::parse(text);
  if (type == PropertyTraits<Size>::kTypeName) return PropertyTraits<Size>::parse(text).bytes;
  if (type == PropertyTraits<u8>::kTypeName || type == PropertyTraits<u16>::kTypeName ||
      type == PropertyTraits<u32>::kTypeName || type == PropertyTraits<u64>::kTypeName)
    return PropertyTraits<u64>::parse(text);
  if (type == PropertyTraits<i8>::kTypeName || type == PropertyTraits<i16>::kTypeName ||
      type == PropertyTraits<i32>::kTypeName || type == PropertyTraits<i64>::kTypeName)
    return PropertyTraits<i64>::parse(text);
  return text;
}

std::string property_text(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::Null:
      return {};
    case Value::Kind::Boolean:
      return PropertyTraits<bool>::print(value.as_bool());
    case Value::Kind::Integer:
      return value.as_number() < 0 ? std::to_string(value.as_signed())
                                   : std::to_string(value.as_unsigned());
    case Value::Kind::Number:
      return fmt::format("{}", value.as_number());
    case Value::Kind::String:
      return value.as_string();
    case Value::Kind::List:
    case Value::Kind::Record:
      break;
  }
  throw Error("expects a string, a number or a boolean");
}

std::vector<std::pair<std::string, std::string>> property_texts(const Value::Record& record) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const Value::Field& field : record) {
    if (field.value.kind() != Value::Kind::Record) {
      try {
        texts.emplace_back(field.name, property_text(field.value));
      } catch (const Error& error) {
        throw error.in(fmt::format("'{}'", field.name));
      }
      continue;
    }
    for (auto& [name, text] : property_texts(field.value.as_record()))
      texts.emplace_back(fmt::format("{}.{}", field.name, name), std::move(text));
  }
  return texts;
}

Value Object::get_value(std::string_view name) const {
  return property_value(require_property(name), *this);
}

void Object::set_value(std::string_view name, const Value& value) {
  set_property(name, property_text(value));
}

}  // namespace backplane
