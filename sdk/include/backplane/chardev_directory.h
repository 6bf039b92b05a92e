// SPDX-License-Identifier: MIT
// How a device reaches a character device that the user made and named with -chardev.
#pragma once

#include <string>

#include "backplane/chardev.h"

namespace backplane {

// Implemented by the machine's service "chardevs" (Machine::service), if there is one. Machine lock
// for all calls.
class ChardevDirectory {
 public:
  static constexpr const char* kService = "chardevs";

  // The backend with that id, from now on used by `user`. Throws Error if there is none, or if it
  // has a user already.
  virtual Chardev& use(const std::string& id, const std::string& user) = 0;

 protected:
  ~ChardevDirectory() = default;
};

}  // namespace backplane
