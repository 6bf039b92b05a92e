// SPDX-License-Identifier: MIT
#include "options/config_file.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

std::string words_of(const std::vector<GivenOption>& options) {
  std::string words;
  for (const GivenOption& option : options)
    words += fmt::format("{}-{} {}", words.empty() ? "" : " ", option.name(), option.value);
  return words;
}

std::string words_of(const std::string& text) { return words_of(config_options(text, "f")); }

std::string message_of_text(const std::string& text) {
  return message_of([&] { config_options(text, "-readconfig f"); });
}

TEST(ConfigFile, IsOptions) {
  EXPECT_EQ(words_of("# a comment\n"
                     "[machine]\n  type = \"pc\"\n  accel=\"tcg\"\n\n"
                     "[memory]\r\n\tsize = \"64\"\r\n"
                     "[device \"net0\"]\n  driver = \"virtio-rng-pci\"\n"
                     "[drive]\n  file = \"a,b = c\"\n"),
            "-machine type=pc,accel=tcg -m size=64 -device id=net0,driver=virtio-rng-pci "
            "-drive file=a,,b = c");
  EXPECT_EQ(words_of(""), "");
}

TEST(ConfigFile, RemembersWhereAnOptionStands) {
  EXPECT_EQ(config_options("\n[smp-opts]\n cpus = \"2\"\n", "-readconfig f").front().text,
            "-readconfig f: line 2: [smp-opts]");
}

TEST(ConfigFile, TellsTheLineThatIsWrong) {
  EXPECT_EQ(message_of_text("size = \"1\"\n").find("-readconfig f: line 1: expects a [GROUP]"), 0U);
  EXPECT_EQ(message_of_text("[memory]\nsize = 1\n"),
            "-readconfig f: line 2: 1: expects text between two quotes");
  EXPECT_EQ(message_of_text("[memory]\nsize\n"),
            "-readconfig f: line 2: size: expects [GROUP], or KEY = \"VALUE\"");
  EXPECT_EQ(message_of_text("[memory\n"),
            "-readconfig f: line 1: [memory: expects a ']' at the end");
  EXPECT_EQ(message_of_text("[divice \"a\"]\n"),
            "-readconfig f: line 1: [divice]: there is no such group");
}

TEST(ConfigFile, IsWrittenAsItIsRead) {
  const CommandLine line = command_line(
      "-M pc,hpet=off -m 64 -smp 2,cores=2 -device virtio-rng-pci,id=a -global x.y=z "
      "-device {\"driver\":\"virtio-rng-pci\"} -drive file=a,,b,if=none,id=d -kernel k");
  const std::string written = config_text(line);
  EXPECT_EQ(words_of(written),
            "-machine type=pc,hpet=off -m size=64 -smp cpus=2,cores=2 "
            "-device id=a,driver=virtio-rng-pci -global driver=x,property=y,value=z "
            "-device driver=virtio-rng-pci -drive id=d,file=a,,b,if=none -machine kernel=k");
  EXPECT_EQ(config_text(CommandLine(config_options(written, "f"))), written);
}

TEST(ConfigFile, SaysWhatItLeavesOut) {
  EXPECT_NE(config_text(command_line("-nographic -writeconfig -")).find("besides: -nographic"),
            std::string::npos);
  EXPECT_NE(message_of([] { config_text(command_line("-drive file=a\"b")); }).find("no quotes"),
            std::string::npos);
}

}  // namespace
}  // namespace backplane::host
