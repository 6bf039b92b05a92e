// SPDX-License-Identifier: MIT
#include "arguments.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "backplane/error.h"

namespace backplane::img {

namespace {

const Option* find_option(std::initializer_list<Option> options, auto matches) {
  const auto* const found = std::find_if(options.begin(), options.end(), matches);
  return found == options.end() ? nullptr : found;
}

std::string key_of(const Option& option) {
  return option.letter != 0 ? std::string(1, option.letter) : std::string(option.name);
}

}  // namespace

Arguments::Arguments(const std::vector<std::string>& words, std::initializer_list<Option> options) {
  bool only_files = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const auto take_next = [&]() -> std::string {
      if (++i == words.size()) throw Error::of("{}: lacks its value", word);
      return words[i];
    };
    if (only_files || word.size() < 2 || word[0] != '-') {
      files_.push_back(word);
    } else if (word == "--") {
      only_files = true;
    } else if (word[1] == '-') {
      const std::size_t equals = word.find('=');
      const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
      const Option* const option =
          find_option(options, [&](const Option& other) { return other.name == name; });
      if (option == nullptr) throw Error::of("--{}: unknown option", name);
      if (equals != std::string::npos && !option->has_value)
        throw Error::of("--{}: takes no value", name);
      std::string value;
      if (option->has_value)
        value = equals != std::string::npos ? word.substr(equals + 1) : take_next();
      given_.emplace_back(key_of(*option), value);
    } else {
      for (std::size_t at = 1; at < word.size(); ++at) {
        const char letter = word[at];
        const Option* const option =
            find_option(options, [&](const Option& other) { return other.letter == letter; });
        if (option == nullptr) throw Error::of("-{}: unknown option", std::string(1, letter));
        std::string value;
        if (option->has_value) value = at + 1 < word.size() ? word.substr(at + 1) : take_next();
        given_.emplace_back(key_of(*option), value);
        if (option->has_value) break;
      }
    }
  }
}

std::optional<std::string> Arguments::value(std::string_view option) const {
  std::optional<std::string> found;
  for (const auto& [key, text] : given_)
    if (key == option) found = text;
  return found;
}

std::vector<std::string> Arguments::values(std::string_view option) const {
  std::vector<std::string> found;
  for (const auto& [key, text] : given_)
    if (key == option) found.push_back(text);
  return found;
}

void Arguments::expect_files(std::size_t least, std::size_t most, std::string_view what) const {
  if (files_.size() < least) throw Error(fmt::format("expects {}", what), "--help says how");
  if (files_.size() > most)
    throw Error::of("'{}' is too much: expects {}", files_[most], OwnText{std::string(what)});
}

bool Arguments::wants_json() const {
  const std::string output = value("output").value_or("human");
  if (output != "human" && output != "json")
    throw Error::of("--output={}: expects human or json", output);
  return output == "json";
}

std::vector<std::pair<std::string, std::string>> parse_keys(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> keys;
  for (const std::string& text : texts)
    for (std::size_t at = 0; at < text.size();) {
      std::string part;
      for (; at < text.size(); ++at) {
        if (text[at] == ',') {
          if (at + 1 == text.size() || text[at + 1] != ',') break;
          ++at;
        }
        part += text[at];
      }
      ++at;
      const std::size_t equals = part.find('=');
      keys.emplace_back(part.substr(0, equals),
                        equals == std::string::npos ? "on" : part.substr(equals + 1));
    }
  return keys;
}

u64 parse_bytes(std::string_view text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::string_view kUnits = "bkmgtpe";
  std::size_t power = 0;
  if (unit.size() == 1) power = kUnits.find(static_cast<char>(unit[0] | 0x20));
  const bool is_valid =
      error == std::errc() && unit.size() <= 1 && number >= 0 && power != std::string_view::npos;
  const double bytes = is_valid ? std::ldexp(number, static_cast<int>(10 * power)) : -1;
  if (bytes < 0 || bytes >= std::ldexp(1.0, 63))
    throw Error::of("'{}' is no size: expects a number of bytes, or one with k, M, G, T, P or E",
                    text);
  // All digits of a number without a fraction.
  u64 whole = 0;
  const auto exact = std::from_chars(text.data(), text.data() + text.size(), whole);
  return exact.ptr == end ? whole << (10 * power) : static_cast<u64>(bytes);
}

}  // namespace backplane::img
