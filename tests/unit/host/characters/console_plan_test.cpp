// SPDX-License-Identifier: MIT
#include "characters/console_plan.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

struct Case {
  const char* words;
  const char* serials;   // separated by spaces
  const char* monitors;  // likewise
};
void PrintTo(const Case& row, std::ostream* out) { *out << row.words; }

std::string texts(const std::vector<Console>& consoles) {
  std::string text;
  for (const Console& console : consoles) text += (text.empty() ? "" : " ") + console.text;
  return text;
}

class ConsolePlanFor : public testing::TestWithParam<Case> {};

TEST_P(ConsolePlanFor, SerialsAndMonitors) {
  const ConsolePlan plan = plan_consoles(Asked(GetParam().words).configuration, "uart");
  EXPECT_EQ(texts(plan.serials), GetParam().serials);
  EXPECT_EQ(texts(plan.monitors), GetParam().monitors);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, ConsolePlanFor,
    testing::Values(Case{"", "mon:stdio", ""}, Case{"-nographic", "mon:stdio", ""},
                    Case{"-nographic -serial stdio", "stdio", ""},
                    Case{"-nographic -serial mon:stdio", "mon:stdio", ""},
                    Case{"-nographic -serial null", "null", "stdio"},
                    Case{"-nographic -serial none", "none", "stdio"},
                    Case{"-nographic -monitor none", "stdio", "none"},
                    Case{"-nographic -monitor stdio", "null", "stdio"},
                    Case{"-nographic -monitor unix:/m -serial file:/s", "file:/s", "unix:/m"},
                    Case{"-nographic -nodefaults", "", ""},
                    Case{"-nographic -nodefaults -serial mon:stdio", "mon:stdio", ""},
                    Case{"-display none", "null", ""}, Case{"-display none -nodefaults", "", ""},
                    Case{"-vnc :0", "null", ""}, Case{"-display vnc=:0", "null", ""},
                    Case{"-vnc :0 -nographic", "mon:stdio", ""}, Case{"-vnc none", "null", ""},
                    Case{"-display none -serial stdio", "stdio", ""},
                    Case{"-display none -serial file:/a -serial stdio -monitor unix:/m,server=on",
                         "file:/a stdio", "unix:/m,server=on"},
                    Case{"-display none -nographic", "mon:stdio", ""},
                    Case{"-device uart,chardev=a", "", "stdio"},
                    Case{"-device driver=uart -serial null", "null", "stdio"},
                    Case{"-device other", "mon:stdio", ""}, Case{"-chardev stdio,id=a", "null", ""},
                    Case{"-chardev stdio,id=a -device uart,chardev=a", "", ""},
                    Case{"-chardev stdio,id=a -serial chardev:a", "chardev:a", ""}));

TEST(ConsolePlan, ThereAreNoWindows) {
  EXPECT_EQ(message_of([] { Asked("-display gtk"); }),
            "-display gtk: the program has no windows of its own: use -vnc :0 and a VNC viewer");
}

}  // namespace
}  // namespace backplane::host
