// SPDX-License-Identifier: MIT
#include "backplane/display.h"

#include "backplane/error.h"

namespace backplane {

BACKPLANE_REGISTER_ABSTRACT(Display, .description = "What shows the screens of a machine")

void Display::set_password(const std::string&) {
  throw Error::of("{} asks nobody for a password", id());
}

}  // namespace backplane
