// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/options.h"

namespace backplane {
namespace {

const OptionTable& table() {
  static const OptionTable instance({
      {.name = "help",
       .alias = "h",
       .help = "Prints this text.",
       .section = "General",
       .pass = OptionPass::Early},
      {.name = "machine",
       .alias = "M",
       .argument = "[type=]NAME[,PROP=VALUE...]",
       .help = "Chooses the machine.\nSee -M help.",
       .implied_key = "type",
       .pass = OptionPass::Early},
      {.name = "append", .argument = "TEXT", .help = "The command line.", .section = "Kernel"},
      {.name = "m", .argument = "SIZE", .help = "Memory.", .implied_key = "size"},
      {.name = "nographic", .help = "Serial port here."},
      {.name = "device",
       .argument = "TYPE",
       .help = "A device.",
       .implied_key = "driver",
       .takes_json = true},
  });
  return instance;
}

std::string message_of(const std::vector<std::string>& arguments) {
  try {
    table().parse(arguments);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(OptionTable, KeepsOrderTextAndPositionAcrossOptions) {
  const CommandLine line = table().parse({"-m", "512", "-M", "pc", "-m", "1G"});
  ASSERT_EQ(line.all().size(), 3U);
  EXPECT_EQ(line.all()[0].name(), "m");
  EXPECT_EQ(line.all()[1].name(), "machine");
  EXPECT_EQ(line.all()[1].text, "-M pc");
  EXPECT_EQ(line.all()[1].position, 2);
  EXPECT_EQ(line.all()[2].position, 4);
}

TEST(OptionTable, AcceptsOneDashOrTwoAndAnEqualsSign) {
  for (const std::vector<std::string>& given : {std::vector<std::string>{"-machine", "pc"},
                                                {"--machine", "pc"},
                                                {"-M", "pc"},
                                                {"--machine=pc"},
                                                {"-machine=pc"}}) {
    const CommandLine line = table().parse(given);
    ASSERT_TRUE(line.has("machine"));
    EXPECT_EQ(line.last("machine")->value, "pc");
    EXPECT_TRUE(line.last("machine")->text.starts_with(given.front()));
  }
}

TEST(OptionTable, NeverTakesAnOptionsValueForAnOption) {
  const CommandLine line = table().parse({"-append", "-help", "-m", "-1"});
  EXPECT_FALSE(line.has("help"));
  EXPECT_EQ(line.last("append")->value, "-help");
  EXPECT_EQ(line.last("m")->value, "-1");
}

TEST(OptionTable, AcceptsAnEmptyValue) {
  EXPECT_EQ(table().parse({"-append", ""}).last("append")->value, "");
}

TEST(OptionTable, SplitsIntoTwoPasses) {
  const CommandLine line = table().parse({"-m", "1", "-M", "pc", "-nographic", "-h"});
  ASSERT_EQ(line.pass(OptionPass::Early).size(), 2U);
  EXPECT_EQ(line.pass(OptionPass::Early)[0]->name(), "machine");
  EXPECT_EQ(line.pass(OptionPass::Main).size(), 2U);
}

TEST(OptionTable, GroupsRepeatedOptions) {
  const CommandLine line = table().parse({"-M", "a", "-nographic", "-machine", "b"});
  ASSERT_EQ(line.group("machine").size(), 2U);
  EXPECT_EQ(line.group("machine")[1]->value, "b");
  EXPECT_TRUE(line.group("append").empty());
}

TEST(OptionTable, SuggestsTheNearestOption) {
  EXPECT_EQ(message_of({"-mashine", "pc"}),
            "-mashine: unknown option; did you mean -machine? -help lists the options");
  EXPECT_EQ(message_of({"-zzzzzz"}), "-zzzzzz: unknown option; -help lists the options");
}

TEST(OptionTable, TellsWhatIsNoOption) {
  EXPECT_EQ(message_of({"disk.img"}), "disk.img: not an option; -help lists the options");
  EXPECT_EQ(message_of({"-nographic", "x"}), "x: not an option; -help lists the options");
}

TEST(OptionTable, TellsAMissingArgument) {
  EXPECT_EQ(message_of({"-m"}), "-m: an argument is missing; it is given as -m SIZE");
}

TEST(OptionTable, TellsAnArgumentThatIsNotTaken) {
  EXPECT_EQ(message_of({"-nographic=on"}), "-nographic: this option takes no argument");
}

TEST(OptionTable, FindsByNameAndAlias) {
  EXPECT_EQ(table().find("M"), table().find("machine"));
  EXPECT_EQ(table().find("nosuch"), nullptr);
}

TEST(OptionTable, PrintsItsRowsBySection) {
  EXPECT_TRUE(
      table().help().starts_with("General:\n"
                                 "  -help, -h\n"
                                 "      Prints this text.\n"
                                 "  -machine [type=]NAME[,PROP=VALUE...], -M\n"
                                 "      Chooses the machine.\n"
                                 "      See -M help.\n"))
      << table().help();
  EXPECT_NE(table().markdown().find("## Kernel\n\n- `-append TEXT`\n  The command line.\n"),
            std::string::npos);
}

TEST(GivenOption, ShowsItselfInErrors) {
  const CommandLine line = table().parse({"-M", "pc,=1"});
  EXPECT_STREQ(line.last("machine")->error("no {}", 1).what(), "-M pc,=1: no 1");
  try {
    line.last("machine")->list();
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "-M pc,=1: '=1' has no name before '='");
  }
}

TEST(GivenOption, ReadsItsListWithTheImpliedKey) {
  const CommandLine line = table().parse({"-M", "pc"});
  EXPECT_EQ(line.last("machine")->list().get("type"), "pc");
}

TEST(OptionTable, AListMayBeJsonWhereTheOptionTakesIt) {
  const auto text = [](const std::string& value) {
    return table().parse({"-device", value}).all().front().list().text();
  };
  EXPECT_EQ(text(R"({"driver": "disk", "ro": true, "size": 5, "file": {"name": "a,b"}})"),
            "driver=disk,ro=on,size=5,file.name=a,,b");
  EXPECT_EQ(text("disk,ro=on"), "disk,ro=on");
  EXPECT_EQ(text("{}"), "");
  for (const std::string wrong : {"{", "{\"a\": [1]}", "{\"a\": 1} x"}) {
    try {
      text(wrong);
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("-device {")) << error.what();
    }
  }
  EXPECT_EQ(table().parse({"-m", "{}"}).all().front().list().get("size"), "{}");
}

}  // namespace
}  // namespace backplane
