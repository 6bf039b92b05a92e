// SPDX-License-Identifier: MIT
// Values of properties as people write them.
#include "backplane/json.h"
#include "backplane/property.h"

namespace backplane {

std::string property_text(const ValueType& shape, const Value& value) {
  if (value.kind() == Value::Kind::Record) return to_json(value);
  if (value.kind() == Value::Kind::List) {
    std::string text;
    for (const Value& element : value.as_list())
      text += fmt::format("{}{}", text.empty() ? "" : " ", property_text(kAnything, element));
    return text;
  }
  const bool is_size = shape.kind == ValueType::Kind::Size && value.kind() == Value::Kind::Integer;
  return is_size ? PropertyTraits<Size>::print({value.as_unsigned()}) : scalar_text(value);
}

std::vector<std::pair<std::string, std::string>> property_texts(const Value::Record& record) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const Value::Field& field : record) {
    if (field.value.kind() != Value::Kind::Record) {
      try {
        texts.emplace_back(field.name, scalar_text(field.value));
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

}  // namespace backplane
