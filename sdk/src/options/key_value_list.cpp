// SPDX-License-Identifier: MIT
#include <algorithm>

#include "backplane/options.h"

namespace backplane {

namespace {

// Removes the first element from `text` and returns it, ",," unescaped. `more` tells whether a
// comma followed it.
std::string take_element(std::string_view& text, bool& more) {
  std::string element;
  more = false;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == ',') {
      if (!text.starts_with(',')) {
        more = true;
        break;
      }
      text.remove_prefix(1);
    }
    element += c;
  }
  return element;
}

}  // namespace

KeyValueList KeyValueList::of(std::vector<std::pair<std::string, std::string>> pairs) {
  KeyValueList list;
  for (auto& [key, value] : pairs) list.items_.push_back({std::move(key), std::move(value)});
  return list;
}

KeyValueList KeyValueList::parse(std::string_view text, std::string_view implied_key) {
  KeyValueList list;
  if (text.empty()) return list;
  bool more = true;
  for (bool first = true; more; first = false) {
    std::string element = take_element(text, more);
    const std::size_t equals = element.find('=');
    if (equals == 0) throw Error::of("'{}' has no name before '='", element);
    if (equals != std::string::npos)
      list.items_.push_back({element.substr(0, equals), element.substr(equals + 1)});
    else if (first && !implied_key.empty())
      list.items_.push_back({std::string(implied_key), std::move(element), true});
    else if (element.empty())
      throw Error(
          "nothing stands between two commas or after the last one; a comma inside a value "
          "is written ',,'");
    else
      list.items_.push_back({std::move(element), "on", false, true});
  }
  return list;
}

const std::string* KeyValueList::find(std::string_view key) const {
  const auto at = std::find_if(items_.rbegin(), items_.rend(),
                               [&](const KeyValue& item) { return item.key == key; });
  return at == items_.rend() ? nullptr : &at->value;
}

std::string KeyValueList::get(std::string_view key, std::string_view fallback) const {
  const std::string* value = find(key);
  return value == nullptr ? std::string(fallback) : *value;
}

std::optional<std::string> KeyValueList::take(std::string_view key) {
  const std::string* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::string taken = *value;
  std::erase_if(items_, [&](const KeyValue& item) { return item.key == key; });
  return taken;
}

void KeyValueList::parse_value(std::string_view key, const std::string& text,
                               const std::function<void()>& parse) {
  try {
    parse();
  } catch (const Error& error) {
    throw error.in(fmt::format("{}='{}'", key, text));
  }
}

void KeyValueList::expect_empty(std::string_view known) const {
  if (!items_.empty())
    throw Error::of("'{}' is unknown; there are: {}", items_.front().key,
                    OwnText{std::string(known)});
}

std::vector<std::pair<std::string, std::string>> KeyValueList::pairs() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const KeyValue& item : items_) all.emplace_back(item.key, item.value);
  return all;
}

std::string KeyValueList::text() const {
  std::string out;
  for (const KeyValue& item : items_) {
    if (!out.empty()) out += ',';
    const std::string plain = item.implied ? item.value
                              : item.flag  ? item.key
                                           : item.key + "=" + item.value;
    for (const char c : plain) {
      out += c;
      if (c == ',') out += ',';
    }
  }
  return out;
}

}  // namespace backplane
