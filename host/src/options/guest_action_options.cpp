// SPDX-License-Identifier: MIT
#include "options/guest_action_options.h"

#include "backplane/enumeration.h"
#include "report.h"

namespace backplane {

template <>
struct EnumNames<RebootAction> {
  static constexpr EnumName<RebootAction> kNames[] = {{RebootAction::Reset, "reset"},
                                                      {RebootAction::Shutdown, "shutdown"}};
};
template <>
struct EnumNames<ShutdownAction> {
  static constexpr EnumName<ShutdownAction> kNames[] = {{ShutdownAction::PowerOff, "poweroff"},
                                                        {ShutdownAction::Pause, "pause"}};
};
template <>
struct EnumNames<PanicAction> {
  static constexpr EnumName<PanicAction> kNames[] = {{PanicAction::Pause, "pause"},
                                                     {PanicAction::Shutdown, "shutdown"},
                                                     {PanicAction::ExitFailure, "exit-failure"},
                                                     {PanicAction::None, "none"}};
};

namespace host {

namespace {

template <class Action>
void take_action(KeyValueList& values, std::string_view key, Action& action) {
  action = values.take_as<Action>(key).value_or(action);
}

void take_actions(KeyValueList values, GuestActions& actions) {
  take_action(values, "reboot", actions.reboot);
  take_action(values, "shutdown", actions.shutdown);
  take_action(values, "panic", actions.panic);
  if (values.has("watchdog"))
    throw Error("watchdog=: no device here is a watchdog, so nothing would come of it");
  values.expect_empty("panic, reboot, shutdown");
}

}  // namespace

GuestActions parse_guest_actions(const CommandLine& line) {
  GuestActions actions;
  for (const GivenOption& option : line.all()) {
    if (option.name() == "no-reboot") actions.reboot = RebootAction::Shutdown;
    if (option.name() == "no-shutdown") actions.shutdown = ShutdownAction::Pause;
    if (option.name() == "action")
      with_values(option, [&](KeyValueList values) { take_actions(std::move(values), actions); });
  }
  return actions;
}

}  // namespace host

}  // namespace backplane
