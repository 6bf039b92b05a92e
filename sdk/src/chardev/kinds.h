// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string>

#include "backplane/chardev.h"
#include "chardev/chardev_options.h"

namespace backplane {

// One kind of character device: what -chardev calls it, and how it is made of its options. Making
// one throws Error.
struct ChardevKind {
  const char* name;
  std::unique_ptr<Chardev> (*make)(MainLoop& loop, const std::string& id, ChardevOptions& options);
};

// Those that this system has.
std::span<const ChardevKind> chardev_kinds();

// What does not depend on the system.
std::unique_ptr<Chardev> make_null_chardev(MainLoop& loop, const std::string& id,
                                           ChardevOptions& options);
std::unique_ptr<Chardev> make_stdio_chardev(MainLoop& loop, const std::string& id,
                                            ChardevOptions& options);
std::unique_ptr<Chardev> make_file_chardev(MainLoop& loop, const std::string& id,
                                           ChardevOptions& options);

}  // namespace backplane
