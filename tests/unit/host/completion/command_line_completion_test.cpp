// SPDX-License-Identifier: MIT
#include "completion/command_line_completion.h"

#include <gtest/gtest.h>

#include "backplane/backend.h"
#include "backplane/device.h"
#include "backplane/netdev.h"
#include "options/option_table.h"

namespace backplane::host {
namespace {

class Widget final : public Device {
 public:
  static void class_init(DeviceClass& k) {
    k.stateless();
    k.property<&Widget::bright_>("bright", "whether it shines");
    k.property<&Widget::colour_>("colour", "what it looks like");
    k.property<&Widget::peer_>("peer", "where it leads");
  }

 private:
  bool bright_ = false;
  std::string colour_;
  BackendLink<Netdev> peer_;
};
BACKPLANE_TYPE(Widget, "shell-test-widget", .category = "Misc", .description = "A widget")

using Words = std::vector<std::string>;

Words of(const Words& words) {
  Words found;
  for (const Candidate& candidate : complete_command_line(option_table(), words))
    found.push_back(candidate.word);
  return found;
}

TEST(CommandLineCompletion, KnowsTheOptions) {
  EXPECT_EQ(of({"-no-"}), (Words{"-no-hpet", "-no-reboot", "-no-shutdown", "-no-user-config"}));
  EXPECT_EQ(of({"--uu"}), (Words{"--uuid"}));
  EXPECT_EQ(of({"-S", "-smp", "2", "-loads"}), (Words{"-loadstate"}));
  EXPECT_EQ(of({"-nosuch"}), Words());
}

TEST(CommandLineCompletion, LeavesFilesToTheShell) {
  EXPECT_EQ(of({"-kernel", ""}), Words());
  EXPECT_EQ(of({"-kernel", "-no-"}), Words());
}

TEST(CommandLineCompletion, KnowsTypesAndTheirProperties) {
  EXPECT_EQ(of({"-device", "shell-test-"}), (Words{"shell-test-widget"}));
  EXPECT_EQ(of({"-device", "driver=shell-test-"}), (Words{"driver=shell-test-widget"}));
  EXPECT_EQ(of({"-device", "shell-test-widget,b"}),
            (Words{"shell-test-widget,bright=", "shell-test-widget,bus="}));
  EXPECT_EQ(of({"-device", "shell-test-widget,bright=on,b"}),
            (Words{"shell-test-widget,bright=on,bus="}));
  EXPECT_EQ(of({"-device", "nosuch,b"}), (Words{"nosuch,bus="}));
}

TEST(CommandLineCompletion, KnowsValues) {
  EXPECT_EQ(of({"-device", "shell-test-widget,bright="}),
            (Words{"shell-test-widget,bright=off", "shell-test-widget,bright=on"}));
  EXPECT_EQ(of({"-device", "shell-test-widget,colour="}), Words());
  EXPECT_EQ(of({"-rtc", "clock="}), (Words{"clock=host", "clock=rt", "clock=vm"}));
  EXPECT_EQ(of({"-rtc", "u"}), (Words{"utc"}));
  EXPECT_EQ(of({"-display", ""}), (Words{"none"}));
}

TEST(CommandLineCompletion, KnowsWhatTheLineHasMade) {
  EXPECT_EQ(of({"-netdev", "user,id=net0", "-chardev", "null,id=other", "-device",
                "shell-test-widget,peer="}),
            (Words{"shell-test-widget,peer=net0"}));
}

TEST(CommandLineCompletion, SaysNothingOfALineThatIsWrong) {
  EXPECT_EQ(of({"-device", "=,"}), Words());
  EXPECT_EQ(of({}), Words());
}

TEST(CommandLineCompletion, SaysWhatEachIs) {
  EXPECT_EQ(completion_text(option_table(), {"-device", "shell-test-"}),
            "shell-test-widget\tA widget\n");
}

}  // namespace
}  // namespace backplane::host
