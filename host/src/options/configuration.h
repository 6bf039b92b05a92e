// SPDX-License-Identifier: MIT
// What the command line asks for, as it is known before anything is created: what the rows of the
// option table make of the options given, one after the other.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "accelerator/plan.h"
#include "accelerator/selection.h"
#include "backplane/machine.h"
#include "backplane/options.h"
#include "characters/console_plan.h"
#include "launch/saved_state.h"
#include "options/machine_options.h"

namespace backplane::host {

// Options are referred to, and belong to the CommandLine.
struct Configuration {
  using Option = const GivenOption*;    // null: not given; the last one counts
  using Options = std::vector<Option>;  // in the order given

  MachineOptions machine;
  Option cpu = nullptr;
  Option smp = nullptr;
  u64 ram_size = 0;  // bytes; 0: the board's default
  std::string name;
  std::string uuid;
  Options globals;
  // What is to be set on the board by options of their own, by its property.
  struct BoardSetting {
    std::string value;
    Option option = nullptr;
    bool if_there = false;  // a board without the property is as asked
  };
  std::map<std::string, BoardSetting> board;

  AcceleratorOptions accelerators;
  std::optional<InstructionCounting> icount;

  GuestActions actions;
  // The state that the machine begins with; -loadstate is before -incoming, and -loadvm
  // beside neither of them.
  struct State {
    StatePlace place;
    std::string given;
  };
  std::optional<State> loaded;
  std::optional<State> incoming;
  const std::optional<State>& state() const { return loaded ? loaded : incoming; }
  Option snapshot_to_load = nullptr;  // -loadvm
  bool start_stopped = false;

  Options objects;
  Options blockdevs;
  Options drives;
  bool snapshot = false;  // what is written to those is forgotten at the end
  Options netdevs;
  Options nics;
  Options devices;
  Options firmware_files;  // -fw_cfg
  Options smbios;

  ConsoleOptions consoles;
  Options displays;  // -display and -vnc, but for -display none
  Option keyboard_layout = nullptr;
  Options monitors;  // -mon
  Option qtest = nullptr;
  Option qtest_log = nullptr;
  std::optional<Console> debugger;  // -gdb, or -s where that is not given

  bool daemonize = false;
  Option pid_file = nullptr;
  Option chroot = nullptr;
  Option run_as = nullptr;
  struct Descriptor {
    u32 set;
    int fd;
    std::string given;
  };
  std::vector<Descriptor> descriptors;
};

}  // namespace backplane::host
