// SPDX-License-Identifier: MIT
#include "monitor/words.h"

#include <gtest/gtest.h>

namespace backplane::host {
namespace {

constexpr CommandArgument kArguments[] = {
    {.name = "detach", .type = &kBoolean, .optional = true, .letter = 'd'},
    {.name = "packer", .type = &kText, .optional = true, .letter = 'z'},
    {.name = "uri", .type = &kText},
    {.name = "most", .type = &kBytes, .optional = true, .unit = 1_MiB}};
constexpr Command kCommand{.name = "send", .help = "", .arguments = kArguments, .run = nullptr};
constexpr CommandArgument kMade[] = {{.name = "driver", .type = &kText},
                                     {.name = "id", .type = &kText}};
constexpr Command kMake{
    .name = "make", .help = "", .arguments = kMade, .takes_properties = true, .run = nullptr};

std::string problem(const Command& command, std::string_view line) {
  try {
    arguments_of(command, words_of(line));
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Words, AreSeparatedByAnySpace) {
  EXPECT_EQ(words_of(" a \t b  "), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(words_of(" ").empty());
}

TEST(Words, StandForArgumentsByPlaceOrLetter) {
  EXPECT_EQ(arguments_of(kCommand, {"x"}), Value(Value::Record{{"uri", "x"}}));
  EXPECT_EQ(
      arguments_of(kCommand, {"-d", "x", "2", "-z", "zstd"}),
      Value(Value::Record{{"detach", true}, {"uri", "x"}, {"most", 2_MiB}, {"packer", "zstd"}}));
}

TEST(Words, SizesMayHaveASuffix) {
  EXPECT_EQ(*arguments_of(kCommand, {"x", "1G"}).find("most"), Value(1_GiB));
}

TEST(Words, ThatAreWrongSayWhatIsExpected) {
  EXPECT_EQ(problem(kCommand, ""), "expects [-d] [-z PACKER] URI [MOST]");
  EXPECT_EQ(problem(kCommand, "a 1 2"), "expects [-d] [-z PACKER] URI [MOST]");
  EXPECT_EQ(problem(kCommand, "a -z"), "expects [-d] [-z PACKER] URI [MOST]");
  EXPECT_TRUE(problem(kCommand, "a many").starts_with("'many': expects a size"));
}

TEST(Words, PropertiesAreWrittenAsOnTheCommandLine) {
  EXPECT_EQ(describe_words(kMake), "driver=DRIVER,id=ID,PROPERTY=VALUE...");
  EXPECT_EQ(arguments_of(kMake, {"disk,id=a,read-only=on"}),
            Value(Value::Record{{"driver", "disk"}, {"id", "a"}, {"read-only", "on"}}));
  EXPECT_EQ(problem(kMake, "disk id=a"), "expects driver=DRIVER,id=ID,PROPERTY=VALUE...");
}

}  // namespace
}  // namespace backplane::host
