// SPDX-License-Identifier: MIT
#include <algorithm>

#include "backplane/options.h"

namespace backplane {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

void check_id(std::string_view id) {
  const bool well_formed =
      !id.empty() && is_letter(id.front()) && std::all_of(id.begin(), id.end(), [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
      });
  if (!well_formed)
    throw Error::of("id '{}' is malformed: an id is a letter, then letters, digits, '-', '.', '_'",
                    id);
}

}  // namespace backplane
