// SPDX-License-Identifier: MIT
#include "options/guest_action_options.h"

#include "backplane/enumeration.h"
#include "options/configuration.h"
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

void set_actions(Configuration& configuration, const GivenOption& option) {
  with_values(option,
              [&](KeyValueList values) { take_actions(std::move(values), configuration.actions); });
}

}  // namespace host

}  // namespace backplane
