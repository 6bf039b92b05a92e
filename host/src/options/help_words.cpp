// SPDX-License-Identifier: MIT
#include "options/help_words.h"

#include <algorithm>

namespace backplane::host {

bool is_help(std::string_view word) { return word == "help" || word == "?"; }

bool asks_for_help(const KeyValueList& values) {
  return std::any_of(values.begin(), values.end(), [](const KeyValue& item) {
    const std::string& word = item.implied ? item.value : item.key;
    return (item.implied || item.flag) && is_help(word);
  });
}

}  // namespace backplane::host
