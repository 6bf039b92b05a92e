// SPDX-License-Identifier: MIT
// Windows hands no descriptors on.
#include "backplane/descriptors.h"

#include "backplane/error.h"

namespace backplane::descriptors {

namespace {

[[noreturn]] void fail() { throw Error("file descriptors cannot be handed over on Windows"); }

}  // namespace

void add_to_set(u32, int) { fail(); }
int open_of_set(std::string_view, bool) { return -1; }
void keep(std::string_view, int) { fail(); }
int take(std::string_view) { fail(); }
void close_kept(std::string_view) { fail(); }

}  // namespace backplane::descriptors
