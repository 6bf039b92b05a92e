// SPDX-License-Identifier: MIT
// -chroot and -runas: rights that the program gives up when it has opened what it needs. Linux
// only; elsewhere they are refused with an Error.
#pragma once

#include <string>

namespace backplane::host {

// The user and group that -runas names.
struct RunAs {
  std::string name;  // to have that user's other groups; empty: none
  unsigned user = 0;
  unsigned group = 0;
};

// "USER", or "UID:GID" in numbers. Throws Error if there is no such user.
RunAs parse_run_as(const std::string& text);

// Makes a directory the root of this program's files, for good. Throws Error.
void change_root(const std::string& directory);
// Makes this program, with all its threads, one of that user, for good. Throws Error.
void become(const RunAs& who);

}  // namespace backplane::host
