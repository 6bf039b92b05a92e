// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "backplane/error.h"
#include "backplane/json.h"

namespace backplane {

namespace {

// Builds a value from what the parser comes upon.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add({}); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(i64 value) override { return add(value); }
  bool number_unsigned(u64 value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // is no JSON

  bool start_object(std::size_t) override { return open(Value::Kind::Record); }
  bool key(std::string& name) override {
    Open& record = open_.back();
    for (const Value::Field& field : record.fields)
      if (field.name == name) throw Error::of("JSON parse error, duplicate key '{}'", name);
    record.name = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Value::Kind::List); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::json::exception&) override {
    throw Error::of("JSON parse error, '{}' at byte {}", token, position);
  }

  Value take() { return std::move(result_); }

 private:
  struct Open {
    Value::Kind kind;
    Value::List elements;
    Value::Record fields;
    std::string name;  // of the field that comes next
  };

  bool open(Value::Kind kind) {
    if (open_.size() == kMostNested)
      throw Error::of("JSON parse error, nested deeper than {}", kMostNested);
    open_.push_back({kind, {}, {}, {}});
    return true;
  }

  bool close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    return done.kind == Value::Kind::List ? add(std::move(done.elements))
                                          : add(std::move(done.fields));
  }

  bool add(Value value) {
    if (open_.empty())
      result_ = std::move(value);
    else if (open_.back().kind == Value::Kind::List)
      open_.back().elements.push_back(std::move(value));
    else
      open_.back().fields.push_back({std::move(open_.back().name), std::move(value)});
    return true;
  }

  std::vector<Open> open_;
  Value result_;
};

}  // namespace

Value parse_json(std::string_view text) {
  Builder builder;
  nlohmann::json::sax_parse(text, &builder);
  return builder.take();
}

}  // namespace backplane
