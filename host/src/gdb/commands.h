// SPDX-License-Identifier: MIT
// What each packet does: a table. [GDB "Packets", "General Query Packets"]
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gdb/debugger.h"

namespace backplane::host::gdb {

// What a client has said so far, of itself and of what it looks at.
struct Session {
  Debugger& debugger;
  // Sends a packet that is no reply.
  std::function<void(std::string_view)> send;
  // Carries out a line of the monitor's, and gives what it prints.
  std::function<std::string(std::string_view)> monitor;

  std::string description;            // of the target, made when it was first asked for
  std::optional<unsigned> selected;   // index of the CPU for registers and memory
  std::optional<unsigned> continued;  // that `c` and `s` are for; nothing: all
  bool wants_acknowledgements = true;
  bool knows_software_breaks = false, knows_hardware_breaks = false;
  bool physical = false;  // memory is addressed physically
  bool told_what_is_missing = false;
  bool ended = false;  // the client has detached, or killed the machine
};

// What a packet is answered by; nothing if that comes later, when the machine has stopped. Never
// throws.
std::optional<std::string> answer(Session& session, std::string_view packet);
// What a client is told when the machine has stopped that it let run. The CPU that it names is the
// selected one from now on, as clients take it.
std::string stop_reply(Session& session, const Debugger::Stop& stop);

}  // namespace backplane::host::gdb
