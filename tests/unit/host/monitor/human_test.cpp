// SPDX-License-Identifier: MIT
#include "monitor/human.h"

#include <gtest/gtest.h>

#include "backplane/backend.h"
#include "backplane/migration.h"
#include "backplane/testing/test_machine.h"
#include "commands/commands.h"

namespace backplane::host {
namespace {

// A device that has something to say, and something to be told.
class Talker final : public Device, public CommandProvider {
 public:
  std::span<const Command> commands() const override { return kCommands; }

 private:
  static Value say(CommandContext& context, const Arguments& arguments) {
    dynamic_cast<Talker&>(*context.offering).words_ = arguments.text("word");
    return "said";
  }
  static Value told(CommandContext& context, const Arguments&) {
    return dynamic_cast<Talker&>(*context.offering).words_;
  }
  static constexpr CommandArgument kSay[] = {{.name = "word", .type = &kText}};
  static constexpr Command kCommands[] = {
      {.name = "say",
       .help = "what is to be said",
       .arguments = kSay,
       .returns = &kText,
       .run = say},
      {.name = "query-talk", .help = "what was said", .returns = &kText, .run = told}};

  std::string words_ = "hello";
};
BACKPLANE_TYPE(Talker, "monitor-test-talker", .category = "Misc", .description = "Talks")

class MonitorCommands : public ::testing::Test {
 protected:
  std::string run(std::string_view line) { return run_monitor_line(context_, line); }
  void power_on(bool with_device) {
    if (with_device) machine_.create_device("monitor-test-talker");
    machine_.power_on();
  }

  backplane::testing::TestMachine machine_;
  Migration migration_{machine_};
  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
  CommandContext context_{machine_, migration_};
};

TEST_F(MonitorCommands, AnEmptyLineDoesNothing) { EXPECT_EQ(run("  "), ""); }

TEST_F(MonitorCommands, AnUnknownCommandSaysWhereToLook) {
  EXPECT_EQ(run("frob 1"), "frob: no such command; 'help' lists them\n");
  EXPECT_EQ(run("info frob"), "info: frob: no such topic; 'info' lists them\n");
}

TEST_F(MonitorCommands, HelpListsEveryCommand) {
  const std::string text = run("help");
  for (const char* name : {"help ", "info ", "stop ", "cont ", "system_reset ", "system_powerdown ",
                           "quit ", "savestate "})
    EXPECT_NE(("\n" + text).find(std::string("\n") + name), std::string::npos) << name;
  EXPECT_EQ(run("?"), text);
}

TEST_F(MonitorCommands, TheGuestStopsAndGoesOn) {
  power_on(false);
  EXPECT_EQ(run("info status"), "VM status: paused (prelaunch)\n");
  EXPECT_EQ(run("cont"), "");
  EXPECT_EQ(run("info status"), "VM status: running\n");
  EXPECT_EQ(run("stop"), "");
  EXPECT_EQ(run("info status"), "VM status: paused\n");
}

TEST_F(MonitorCommands, AMachineThatStoppedByItselfSaysWhy) {
  power_on(false);
  for (const auto& [cause, text] :
       {std::pair{StopCause::IoError, "VM status: paused (io-error)\n"},
        {StopCause::InternalError, "VM status: paused (internal-error)\n"},
        {StopCause::GuestPanic, "VM status: paused (guest-panicked)\n"},
        {StopCause::GuestShutdown, "VM status: paused (shutdown)\n"},
        {StopCause::Migrated, "VM status: paused (postmigrate)\n"}}) {
    run("cont");
    machine_.run_control().request_stop(cause);
    machine_.run_main_loop();
    EXPECT_EQ(run("info status"), text);
  }
  run("cont");
  run("stop");
  EXPECT_EQ(run("info status"), "VM status: paused\n");
}

TEST_F(MonitorCommands, TheGuestHasTheNameGiven) {
  EXPECT_EQ(run("info name"), "the guest has no name: -name gives it one\n");
  machine_.config().name = "web 1";
  EXPECT_EQ(run("info name"), "web 1\n");
}

TEST_F(MonitorCommands, DevicesAddCommands) {
  power_on(true);
  EXPECT_EQ(run("say goodbye"), "said\n");
  EXPECT_EQ(run("info talk"), "goodbye\n");
  EXPECT_EQ(run("say"), "say: expects WORD\n");
  EXPECT_EQ(run("help say"), "say WORD                 what is to be said\n");
  EXPECT_NE(run("help").find("\nsay "), std::string::npos);
}

TEST_F(MonitorCommands, DevicesAddTopics) {
  power_on(true);
  EXPECT_EQ(run("info talk"), "hello\n");
  EXPECT_NE(run("info").find("info talk"), std::string::npos);
}

TEST_F(MonitorCommands, EveryTopicAnswers) {
  power_on(true);
  for (const char* topic : {"accel", "modules", "qtree", "mtree", "state", "jit", "chardev",
                            "block", "status", "version"}) {
    const std::string text = run(std::string("info ") + topic);
    ASSERT_FALSE(text.empty()) << topic;
    EXPECT_EQ(text.back(), '\n') << topic;
    EXPECT_FALSE(text.starts_with("info:")) << text;
  }
}

TEST_F(MonitorCommands, TheDeviceTreeShowsTypes) {
  power_on(true);
  EXPECT_NE(run("info qtree").find("dev: monitor-test-talker"), std::string::npos);
}

}  // namespace
}  // namespace backplane::host
