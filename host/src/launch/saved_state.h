// SPDX-License-Identifier: MIT
// Where a machine's state is saved to and loaded from.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace backplane::host {

// A file, or a socket where another program is.
struct StatePlace {
  std::filesystem::path file;
  std::string socket;  // "unix:PATH", "tcp:HOST:PORT"; empty: it is a file
};

// What `place` names: a file's name alone, or as QEMU has it. Throws Error if it names nothing, or
// something that there is not.
StatePlace state_place(std::string_view place);

}  // namespace backplane::host
