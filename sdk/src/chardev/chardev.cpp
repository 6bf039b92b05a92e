// SPDX-License-Identifier: MIT
#include "backplane/chardev.h"

#include "backplane/machine.h"

namespace backplane {

MainLoop& Chardev::loop() const { return machine().main_loop(); }

Backend& Chardev::claim(const Object& user) {
  try {
    return Backend::claim(user);
  } catch (const Error& error) {
    throw Error(error.what()).with_hint("mux=on lets several share it");
  }
}

BACKPLANE_REGISTER_ABSTRACT(Chardev)

}  // namespace backplane
