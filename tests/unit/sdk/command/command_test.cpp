// SPDX-License-Identifier: MIT
#include "backplane/command.h"

#include <gtest/gtest.h>

#include "backplane/migration.h"
#include "backplane/testing/test_machine.h"

namespace backplane {
namespace {

constexpr CommandArgument kArguments[] = {
    {.name = "id", .type = &kText},
    {.name = "count", .type = &kBytes, .optional = true},
    {.name = "force", .type = &kBoolean, .optional = true, .letter = 'f'}};

// Says what it was given.
Value echo(CommandContext&, const Arguments& arguments) {
  const std::string_view own[] = {"id", "force"};
  return Value::Record{{"id", arguments.text("id")},
                       {"force", arguments.flag("force")},
                       {"others", arguments.but(own)}};
}

constexpr Command kClosed{.name = "echo", .help = "", .arguments = kArguments, .run = echo};
constexpr Command kOpen{
    .name = "echo", .help = "", .arguments = kArguments, .takes_properties = true, .run = echo};

class CommandRows : public ::testing::Test {
 protected:
  Value call(const Command& command, Value arguments) {
    return run(command, context_, std::move(arguments));
  }
  backplane::testing::TestMachine machine_;
  Migration migration_{machine_};
  CommandContext context_{machine_, migration_};
};

TEST_F(CommandRows, TheFunctionSeesWhatWasGivenAndWhatStandsForTheRest) {
  const Value result = call(kClosed, Value::Record{{"id", "a"}, {"count", 5}});
  EXPECT_EQ(result, Value(Value::Record{
                        {"id", "a"}, {"force", false}, {"others", Value::Record{{"count", 5}}}}));
}

TEST_F(CommandRows, TheFunctionDoesNotSeeWhatItsRowDoesNotTake) {
  EXPECT_THROW(call(kClosed, {}), Error);
  EXPECT_THROW(call(kClosed, Value::Record{{"id", 1}}), Error);
  EXPECT_THROW(call(kClosed, Value::Record{{"id", "a"}, {"count", -1}}), Error);
  EXPECT_THROW(call(kClosed, Value::Record{{"id", "a"}, {"force", "on"}}), Error);
  EXPECT_THROW(call(kClosed, Value::Record{{"id", "a"}, {"size", 1}}), Error);
  EXPECT_THROW(call(kClosed, Value::List{"a"}), Error);
}

TEST_F(CommandRows, PropertiesComeAsTheyWereGiven) {
  const Value result = call(kOpen, Value::Record{{"size", 1}, {"id", "a"}, {"file", "x"}});
  EXPECT_EQ(*result.find("others"), Value(Value::Record{{"size", 1}, {"file", "x"}}));
}

TEST_F(CommandRows, WhatNeedsTheMachineIsRefusedWhereItIsNot) {
  constexpr Command kNeedsIt{
      .name = "echo", .help = "", .arguments = kArguments, .in = {Presence::Here}, .run = echo};
  const Value arguments = Value::Record{{"id", "a"}};
  EXPECT_NO_THROW(call(kNeedsIt, arguments));
  machine_.config().will_be_received = true;
  EXPECT_EQ(migration_.presence(), Presence::Awaited);
  EXPECT_THROW(call(kNeedsIt, arguments), Error);
  EXPECT_NO_THROW(call(kClosed, arguments));
}

TEST_F(CommandRows, StartingAndStoppingAreReportedOnce) {
  std::vector<std::string> seen;
  const Subscription events =
      machine_.events().subscribe([&](const EventType& type, const Value& data) {
        seen.push_back(std::string(type.name) + to_text(data));
      });
  machine_.power_on();
  machine_.run_control().start();
  machine_.run_control().start();
  machine_.run_control().request_reset(ShutdownCause::HostRequest);
  machine_.run_main_loop();
  machine_.run_control().hold();
  machine_.run_control().let_go();
  machine_.run_control().stop();
  machine_.run_control().request_powerdown();
  machine_.run_main_loop();
  EXPECT_EQ(seen,
            (std::vector<std::string>{"RESUME", "RESETguest: off\nreason: host-qmp-system-reset\n",
                                      "STOP", "POWERDOWN"}));
}

}  // namespace
}  // namespace backplane
