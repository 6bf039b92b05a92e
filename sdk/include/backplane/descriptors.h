// SPDX-License-Identifier: MIT
// File descriptors that another program has handed to this one: by inheritance, numbered on the
// command line (-add-fd), or through a connection, by name (getfd).
//
// Any thread. Linux only; elsewhere all of it throws Error.
#pragma once

#include <string>
#include <string_view>

#include "backplane/types.h"

namespace backplane::descriptors {

// Where the paths of sets begin: "/dev/fdset/3".
inline constexpr std::string_view kSetPath = "/dev/fdset/";

// Takes a descriptor into a set. Throws Error if it was not open when the program was started, or
// was taken before.
void add_to_set(u32 set, int fd);
// A descriptor of the caller's own, for what a path of a set names; -1 if it is no such path.
// Throws Error: there is no such set, or none in it that can be written (or read).
int open_of_set(std::string_view path, bool to_write);

// Keeps a descriptor under a name, until it is taken; one of that name before is closed.
void keep(std::string_view name, int fd);
// Gives the one of that name, or the one of that number that was open when the program was started,
// which the caller has from then on. Throws Error if there is none, or it was taken before.
int take(std::string_view name_or_number);
// Closes the one of that name. Throws Error if there is none.
void close_kept(std::string_view name);

}  // namespace backplane::descriptors
