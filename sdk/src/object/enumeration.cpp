// SPDX-License-Identifier: MIT
#include "backplane/enumeration.h"

namespace backplane::detail {

Error unknown_name(std::span<const std::string_view> names) {
  std::string text = "expects ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return Error(text);
}

}  // namespace backplane::detail
