// SPDX-License-Identifier: MIT
#include "options/guest_action_options.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

GuestActions parse(const std::string& words) { return Asked(words).configuration.actions; }

TEST(GuestActionOptions, AreQemusDefaultsWhereNothingIsGiven) {
  const GuestActions actions = parse("");
  EXPECT_EQ(actions.reboot, RebootAction::Reset);
  EXPECT_EQ(actions.shutdown, ShutdownAction::PowerOff);
  EXPECT_EQ(actions.panic, PanicAction::Shutdown);
}

TEST(GuestActionOptions, AddUp) {
  const GuestActions actions =
      parse("-action reboot=shutdown,panic=none -action shutdown=pause,panic=exit-failure");
  EXPECT_EQ(actions.reboot, RebootAction::Shutdown);
  EXPECT_EQ(actions.shutdown, ShutdownAction::Pause);
  EXPECT_EQ(actions.panic, PanicAction::ExitFailure);
}

TEST(GuestActionOptions, TheLaterOfNoRebootAndRebootCounts) {
  EXPECT_EQ(parse("-no-reboot").reboot, RebootAction::Shutdown);
  EXPECT_EQ(parse("-no-reboot -action reboot=reset").reboot, RebootAction::Reset);
  EXPECT_EQ(parse("-action reboot=reset -no-reboot").reboot, RebootAction::Shutdown);
}

TEST(GuestActionOptions, NoShutdownIsAPause) {
  EXPECT_EQ(parse("-no-shutdown").shutdown, ShutdownAction::Pause);
}

TEST(GuestActionOptions, RefuseWhatHasNoEffect) {
  const auto refusal = [](const std::string& words) { return message_of([&] { parse(words); }); };
  EXPECT_EQ(
      refusal("-action panic=poweroff"),
      "-action panic=poweroff: panic='poweroff': expects pause, shutdown, exit-failure or none");
  EXPECT_EQ(refusal("-action reboot=now"),
            "-action reboot=now: reboot='now': expects reset or shutdown");
  EXPECT_NE(refusal("-action watchdog=reset").find("no device here is a watchdog"),
            std::string::npos);
  EXPECT_EQ(refusal("-action boot=reset"),
            "-action boot=reset: 'boot' is unknown; there are: panic, reboot, shutdown");
}

}  // namespace
}  // namespace backplane::host
