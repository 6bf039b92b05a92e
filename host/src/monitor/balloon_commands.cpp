// SPDX-License-Identifier: MIT
// The memory balloon: how much RAM the guest is asked to do with.
#include <charconv>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/monitor.h"
#include "monitor/balloon.h"
#include "monitor/command.h"

namespace backplane::host {

namespace {

u64 parse_mebibytes(const std::string& text) {
  u64 number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc{} || stop != end || number == 0 || number > (1ULL << 40))
    throw Error::of("'{}' is not a number of MiB", text);
  return number << 20;
}

std::string balloon(MonitorContext& context, const MonitorArguments& arguments) {
  if (arguments.size() != 1) throw Error("expects one number, the MiB that the guest may use");
  const u64 target = parse_mebibytes(arguments.front());
  balloon_of(context.machine).set_balloon_target(target);
  return {};
}

constexpr MonitorCommand kCommands[] = {
    {"balloon", "MIB", "ask the guest to make do with this much memory", balloon},
};

}  // namespace

BalloonControl& balloon_of(Machine& machine) {
  const auto balloons = objects_offering<BalloonControl>(machine);
  if (balloons.empty())
    throw Error("this machine has no balloon: start it with -device virtio-balloon-pci");
  return *balloons.front();
}

std::string balloon_text(Machine& machine) {
  const BalloonControl& balloon = balloon_of(machine);
  return fmt::format("balloon: actual={}\n", balloon.balloon_actual() >> 20) +
         balloon.balloon_statistics();
}

std::span<const MonitorCommand> balloon_commands() { return kCommands; }

}  // namespace backplane::host
