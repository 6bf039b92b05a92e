// SPDX-License-Identifier: MIT
#include "backplane/error.h"

#include <system_error>

namespace backplane {

Error Error::system(const std::string& what, int errno_value) {
  const std::string text = std::generic_category().message(errno_value);
  Error error(what + ": " + text);
  error.system_text_ = text;
  return error;
}

}  // namespace backplane
