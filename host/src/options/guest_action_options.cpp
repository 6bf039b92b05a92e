// SPDX-License-Identifier: MIT
#include "options/guest_action_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "report.h"

namespace backplane::host {

namespace {

template <class Action>
struct Choice {
  std::string_view name;
  Action action;
};

constexpr std::array kReboot{Choice{"reset", RebootAction::Reset},
                             Choice{"shutdown", RebootAction::Shutdown}};
constexpr std::array kShutdown{Choice{"poweroff", ShutdownAction::PowerOff},
                               Choice{"pause", ShutdownAction::Pause}};
constexpr std::array kPanic{
    Choice{"pause", PanicAction::Pause}, Choice{"shutdown", PanicAction::Shutdown},
    Choice{"exit-failure", PanicAction::ExitFailure}, Choice{"none", PanicAction::None}};

template <class Action, std::size_t N>
void take_action(KeyValueList& values, std::string_view key,
                 const std::array<Choice<Action>, N>& choices, Action& action) {
  const auto value = values.take(key);
  if (!value) return;
  const auto found = std::find_if(choices.begin(), choices.end(),
                                  [&](const Choice<Action>& c) { return c.name == *value; });
  if (found == choices.end()) {
    std::array<std::string_view, N> names;
    std::transform(choices.begin(), choices.end(), names.begin(),
                   [](const Choice<Action>& c) { return c.name; });
    throw Error::of("{}={}: expects {}", key, *value, fmt::join(names, ", "));
  }
  action = found->action;
}

void take_actions(KeyValueList values, GuestActions& actions) {
  take_action(values, "reboot", kReboot, actions.reboot);
  take_action(values, "shutdown", kShutdown, actions.shutdown);
  take_action(values, "panic", kPanic, actions.panic);
  if (values.has("watchdog"))
    throw Error("watchdog=: no device here is a watchdog, so nothing would come of it");
  values.expect_empty("panic, reboot, shutdown");
}

}  // namespace

GuestActions parse_guest_actions(const CommandLine& line) {
  GuestActions actions;
  for (const GivenOption& option : line.all()) {
    if (option.name() == "no-reboot") actions.reboot = RebootAction::Shutdown;
    if (option.name() == "action")
      with_values(option, [&](KeyValueList values) { take_actions(std::move(values), actions); });
  }
  return actions;
}

}  // namespace backplane::host
