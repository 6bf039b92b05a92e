// SPDX-License-Identifier: MIT
// Where a machine's state is saved to and loaded from.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "backplane/error.h"
#include "backplane/options.h"

namespace backplane {
class Machine;
}

namespace backplane::host {

// A file, or a socket where another program is.
struct StatePlace {
  std::filesystem::path file;
  std::string socket;     // "unix:PATH", "tcp:HOST:PORT", "fd:NAME"; empty: it is a file
  bool deferred = false;  // a command will say where

  // An open descriptor.
  bool is_handed_over() const { return socket.starts_with("fd:"); }
};

// What `place` names: a file's name alone, or as QEMU has it. Throws Error if it names nothing, or
// something that there is not.
StatePlace state_place(std::string_view place);

struct Configuration;

// -loadstate and -incoming. Each throws Error.
void set_loaded_state(Configuration& configuration, const GivenOption& option);
void set_incoming_state(Configuration& configuration, const GivenOption& option);

// For Migration::receive(): ends the program if the machine has not come, after a line that says
// why.
std::function<void(const std::optional<Error>& failure)> end_if_failed(Machine& machine,
                                                                       std::string given);

}  // namespace backplane::host
