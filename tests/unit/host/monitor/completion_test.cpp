// SPDX-License-Identifier: MIT
#include "monitor/completion.h"

#include <gtest/gtest.h>

#include "backplane/backend.h"
#include "backplane/chardev.h"
#include "backplane/testing/test_machine.h"

namespace backplane::host {
namespace {

class Gadget final : public Device {
 public:
  static void class_init(DeviceClass& k) {
    k.stateless();
    k.property<&Gadget::colour_>("colour", "what it looks like");
    k.property<&Gadget::count_>("count", "how many");
  }

 private:
  std::string colour_;
  u32 count_ = 0;
};
BACKPLANE_TYPE(Gadget, "completion-test-gadget", .category = "Misc", .description = "A gadget")

class MonitorCompletion : public ::testing::Test {
 protected:
  std::vector<std::string> of(const std::string& text) {
    return complete_monitor_line(machine_, text).words;
  }

  backplane::testing::TestMachine machine_;
  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
};

using Words = std::vector<std::string>;

TEST_F(MonitorCompletion, KnowsCommandsAndTopics) {
  EXPECT_EQ(of("sys"), (Words{"system_powerdown", "system_reset"}));
  EXPECT_EQ(of("info sta"), (Words{"state", "status"}));
  EXPECT_EQ(of("help qu"), (Words{"quit"}));
  EXPECT_EQ(of("nosuch a"), Words());
  EXPECT_EQ(of("info status a"), Words());
}

TEST_F(MonitorCompletion, SaysWhereTheWordBegins) {
  EXPECT_EQ(complete_monitor_line(machine_, "info sta").begin, 5u);
  EXPECT_EQ(complete_monitor_line(machine_, "info ").begin, 5u);
  EXPECT_EQ(complete_monitor_line(machine_, "").begin, 0u);
}

TEST_F(MonitorCompletion, KnowsTypesAndTheirProperties) {
  EXPECT_EQ(of("device_add completion-"), (Words{"completion-test-gadget"}));
  EXPECT_EQ(of("device_add completion-test-gadget,co"),
            (Words{"completion-test-gadget,colour=", "completion-test-gadget,count="}));
  EXPECT_EQ(of("device_add completion-test-gadget,colour=red,i"),
            (Words{"completion-test-gadget,colour=red,id="}));
  EXPECT_EQ(of("device_add completion-test-gadget,colour=r"), Words());
  EXPECT_EQ(of("device_add nosuch,co"), Words());
}

TEST_F(MonitorCompletion, KnowsWhatIsThere) {
  backends_.add(kChardevKind, "null", "sink", {});
  EXPECT_EQ(of("chardev-remove "), (Words{"sink"}));
  EXPECT_EQ(of("qom-list /backends/s"), (Words{"/backends/sink"}));
  EXPECT_EQ(of("log mm"), (Words{"mmu"}));
}

TEST_F(MonitorCompletion, KnowsLettersAndWhatFollowsThem) {
  EXPECT_EQ(of("savestate -"), (Words{"-z"}));
  EXPECT_EQ(of("savestate -z zl"), (Words{"zlib"}));
  EXPECT_EQ(of("trace-event-set-state x o"), (Words{"off", "on"}));
}

}  // namespace
}  // namespace backplane::host
