// SPDX-License-Identifier: MIT
// What the monitor tells about the machine: run state, CPUs, memory, devices.
#include "backplane/machine.h"
#include "backplane/machine_state.h"
#include "backplane/migration.h"
#include "monitor/command.h"
#include "monitor/device_tree.h"

namespace backplane::host {

namespace {

std::string status(MonitorContext& context) {
  if (context.machine.run_control().state() == RunState::Running) return "VM status: running\n";
  switch (context.machine.run_control().stop_cause()) {
    case StopCause::InternalError:
      return "VM status: paused (internal-error)\n";
    case StopCause::IoError:
      return "VM status: paused (io-error)\n";
    case StopCause::GuestPanic:
      return "VM status: paused (guest-panicked)\n";
    case StopCause::GuestShutdown:
      return "VM status: paused (shutdown)\n";
    case StopCause::Migrated:
      return "VM status: paused (postmigrate)\n";
    case StopCause::Request:
      break;
  }
  return "VM status: paused\n";
}

std::string name(MonitorContext& context) {
  const std::string& given = context.machine.config().name;
  return given.empty() ? "the guest has no name: -name gives it one\n" : given + "\n";
}

std::string registers(MonitorContext& context) {
  std::string text;
  for (Cpu* cpu : context.machine.cpus()) {
    cpu->run_on_thread([&] {
      if (cpu->vcpu() != nullptr) cpu->vcpu()->get_state();
      text += cpu->describe_registers();
    });
    if (text.back() != '\n') text += '\n';
  }
  return text.empty() ? "this machine has no CPU\n" : text;
}

std::string memory_tree(MonitorContext& context) {
  return context.machine.memory().describe() + context.machine.io().describe();
}

std::string devices(MonitorContext& context) { return device_tree(context.machine); }

std::string state(MonitorContext& context) { return describe_machine_state(context.machine); }

std::string migrate(MonitorContext& context) { return context.migration.describe(); }

constexpr InfoTopic kTopics[] = {
    {"status", "whether the guest runs, and what it waits for if not", status},
    {"name", "the guest's name", name},
    {"registers", "the CPUs' registers", registers},
    {"mtree", "what answers where in memory and port space", memory_tree},
    {"qtree", "devices and buses", devices},
    {"state", "what savestate would save of devices and CPUs", state},
    {"migrate", "how far 'migrate' has come", migrate},
};

}  // namespace

std::span<const InfoTopic> machine_topics() { return kTopics; }

}  // namespace backplane::host
