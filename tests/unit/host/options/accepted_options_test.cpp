// SPDX-License-Identifier: MIT
#include "options/accepted_options.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

std::string refusal(const std::string& words) {
  return message_of([&] { Asked{words}; });
}

TEST(AcceptedOptions, SayWhatIsSo) {
  for (const char* words :
       {"-overcommit mem-lock=off", "-overcommit mem-lock=no,cpu-pm=off", "-rtc base=utc",
        "-rtc base=1000000,clock=vm,driftfix=none", "-boot strict=on", "-boot menu=off",
        "-audiodev none,id=a", R"(-audiodev {"id":"audio1","driver":"none"})"})
    EXPECT_EQ(refusal(words), "no error") << words;
}

TEST(AcceptedOptions, RefuseWhatIsNot) {
  EXPECT_EQ(refusal("-overcommit mem-lock=on"),
            "-overcommit mem-lock=on: mem-lock=on: the guest's memory is not locked into the "
            "host's: expects off");
  for (const char* words : {"-overcommit x=off", "-rtc base=utc,driftfix=slew", "-audiodev pa,id=a",
                            "-overcommit mem-lock=maybe"})
    EXPECT_NE(refusal(words), "no error") << words;
}

TEST(AcceptedOptions, MachinesHaveTheirsToo) {
  EXPECT_TRUE(is_so_of_machines("usb", "off"));
  EXPECT_TRUE(is_so_of_machines("acpi", "on"));
  EXPECT_FALSE(is_so_of_machines("usb", "on"));
  EXPECT_FALSE(is_so_of_machines("frobs", "off"));
}

}  // namespace
}  // namespace backplane::host
