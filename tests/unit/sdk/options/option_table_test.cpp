// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "backplane/options.h"
#include "backplane/testing/scratch_directory.h"

namespace backplane {
namespace {

constexpr ForeignOption kForeign[] = {
    {"vga", true, "there are no graphics", "none"},
    {"sdl", false, "there are no graphics"},
    {"no-fd-bootchk", false, "there are no floppy disks", ""},
};

const OptionTable& table() {
  static const OptionTable instance(
      {
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
      },
      kForeign);
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

TEST(OptionTable, SuggestsNoOneLetterOptionForAnother) {
  for (const char* word : {"-x", "-d", "-mm"})
    EXPECT_EQ(message_of({word}), std::string(word) + ": unknown option; -help lists the options");
}

TEST(OptionTable, TellsWhatIsKnownAndNotSupportedFromTypos) {
  EXPECT_EQ(message_of({"-vga", "std"}),
            "-vga std: known and not supported: there are no graphics");
  EXPECT_EQ(message_of({"--vga=std"}), "--vga=std: known and not supported: there are no graphics");
  EXPECT_EQ(message_of({"-vga"}), "-vga: known and not supported: there are no graphics");
  EXPECT_EQ(message_of({"-sdl"}), "-sdl: known and not supported: there are no graphics");
}

TEST(OptionTable, TakesWhatAsksForWhatIsSoAnyway) {
  const CommandLine line = table().parse({"-vga", "none", "-no-fd-bootchk", "-m", "1"});
  ASSERT_EQ(line.all().size(), 1U);
  EXPECT_EQ(line.all()[0].text, "-m 1");
  EXPECT_EQ(line.all()[0].position, 3);
}

class ResponseFile : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    const std::filesystem::path path = directory_ / name;
    std::ofstream(path) << text;
    return "@" + path.generic_string();
  }

 private:
  testing::ScratchDirectory directory_;
};

TEST_F(ResponseFile, StandsForItsWords) {
  const std::string at = file("words", "-m 512\n-append 'root=/dev/vda ro'\n\n-M \"p c\"\r\n");
  const CommandLine line = table().parse({"-nographic", at, "-m", "1"});
  ASSERT_EQ(line.all().size(), 5U);
  EXPECT_EQ(line.all()[1].text, at + ": -m 512");
  EXPECT_EQ(line.all()[2].value, "root=/dev/vda ro");
  EXPECT_EQ(line.all()[3].value, "p c");
  EXPECT_EQ(line.all()[3].position, 1);
  EXPECT_EQ(line.all()[4].position, 2);
}

TEST_F(ResponseFile, IsNoneWhereAValueStands) {
  EXPECT_EQ(table().parse({"-append", "@words"}).last("append")->value, "@words");
}

TEST_F(ResponseFile, TellsWhatIsWrong) {
  EXPECT_EQ(message_of({"@/nonexistent/file"}),
            "@/nonexistent/file: cannot be read: No such file or directory");
  const std::string open = file("open", "-append 'x");
  EXPECT_TRUE(message_of({open}).starts_with(open + ": a quote is not closed"));
  const std::string unknown = file("unknown", "-zzzzzz");
  EXPECT_EQ(message_of({unknown}), unknown + ": -zzzzzz: unknown option; -help lists the options");
}

TEST_F(ResponseFile, ThatNamesItselfEnds) {
  const std::string at = file("self", "");
  file("self", at);
  EXPECT_NE(message_of({at}).find("without end"), std::string::npos);
}

TEST(OptionTable, TellsWhatIsNoOption) {
  EXPECT_EQ(message_of({"disk.img"}), "disk.img: not an option; -help lists the options");
  EXPECT_EQ(message_of({"-nographic", "x"}), "x: not an option; -help lists the options");
}

TEST(OptionTable, TellsAMissingArgument) {
  EXPECT_EQ(message_of({"-m"}), "-m: an argument is missing; it is given as -m SIZE");
}

TEST(OptionTable, TellsAnArgumentThatIsNotTaken) {
  EXPECT_EQ(message_of({"-nographic=on"}), "-nographic=on: this option takes no argument");
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
