// SPDX-License-Identifier: MIT
#include "commands/machine_state.h"

#include <gtest/gtest.h>

namespace backplane::host {
namespace {

TEST(MachineStateText, HasALineForEachSection) {
  const Value track = Value::Record{{"length", 10}, {"muted", true}};
  const Value members = Value::Record{
      {"position", 0xdead'beefU},  {"offset", -5},    {"mode", 9}, {"tracks", Value::List{track}},
      {"lit", Value::List{1, 10}}, {"alarm", Value()}};
  const Value tick = Value::Record{{"deadline", 500}};
  const Value stopped = Value::Record{{"deadline", Value()}};
  const Value sections =
      Value::Record{{"recorder", members}, {"recorder/tick", tick}, {"recorder/tock", stopped}};
  const Value object =
      Value::Record{{"path", "/machine/r"}, {"type", "recorder"}, {"sections", sections}};
  EXPECT_EQ(print_machine_state(Value::List{object}),
            "/machine/r\n"
            "recorder: position=0xdeadbeef offset=-5 mode=9 tracks=[{length=0xa muted=on}] "
            "lit=[1 0xa] alarm=none\n"
            "recorder/tick: deadline=500\n"
            "recorder/tock: deadline=none\n");
}

TEST(MachineStateText, SaysThatThereIsNone) {
  EXPECT_EQ(print_machine_state(Value::List{}), "no state\n");
}

}  // namespace
}  // namespace backplane::host
