// SPDX-License-Identifier: MIT
// From the command line to a running machine, one phase after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "accelerator/plan.h"
#include "backplane/backend.h"
#include "backplane/input.h"
#include "backplane/machine.h"
#include "backplane/migration.h"
#include "characters/consoles.h"
#include "devices/drives.h"
#include "gdb/service.h"
#include "input/typing.h"
#include "launch/daemon.h"
#include "launch/privileges.h"
#include "launch/saved_state.h"
#include "monitor/monitor.h"
#include "options/configuration.h"

namespace backplane::host {

// One machine: made, run and taken apart. Main thread.
class Launch {
 public:
  // `configuration`, the command line that it refers to, and `daemon` must outlive it.
  // `program_name` decides on the default accelerator.
  Launch(const Configuration& configuration, const std::string& program_name, Daemon& daemon);
  ~Launch();
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  // Brings the machine up and runs it until it ends; returns the program's exit status. Throws
  // Error or ReportedFailure if it cannot be brought up.
  int run();

 private:
  // The steps, in this order, machine lock held.
  void check_options();
  void create_machine();
  void configure_machine();
  void set_board_properties();
  void choose_accelerator();
  void take_descriptors();
  void open_backends();
  void build_board();
  void add_devices();
  void configure_firmware();
  void open_displays();
  void start_monitors();
  template <class Kind>
  void start_monitor(const Consoles::Terminal& terminal, const char* name);
  void start_gdb_server();
  void make_ready();
  void load_state(const StatePlace& place);
  void give_up_rights();

  const Configuration& asked_;
  const std::string program_name_;
  Daemon& daemon_;
  std::unique_ptr<PidFile> pid_file_;
  std::optional<RunAs> run_as_;
  std::vector<AccelCandidate> candidates_;
  Object root_;  // of the composition tree: the machine is "/machine"
  Machine* machine_ = nullptr;
  Backends* backends_ = nullptr;  // "/backends"
  Consoles consoles_;
  Drives drives_;
  Subscription device_gone_;
  std::optional<Inputs> inputs_;
  std::optional<Typing> typing_;
  Migration* migration_ = nullptr;  // "/migration"
  std::vector<Object*> monitors_;   // "/monitor[0]", "/qmp[0]", ...
  std::unique_ptr<gdb::Service> gdb_;
  bool stood_still_ = false;  // where it was received from
  int signal_ = 0;            // that ended it
};

}  // namespace backplane::host
