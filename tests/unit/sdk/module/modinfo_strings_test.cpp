// SPDX-License-Identifier: MIT
#include "module/modinfo_strings.h"

#include <gtest/gtest.h>

namespace backplane {
namespace {

// Strings as they stand in the section; "|" stands for NUL.
std::string section(std::string text) {
  for (char& c : text)
    if (c == '|') c = '\0';
  return text;
}

std::string message_of(const std::string& text) {
  try {
    parse_modinfo(section(text));
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Modinfo, ReadsEachKey) {
  const auto records = parse_modinfo(
      section("name=m|version=1.0|license=MIT|description=a = b: c|package=p|sdk=0.1|abi=x|"
              "arch=y|requires=a|requires=b|type=t:object|monitor=w:t|"));
  ASSERT_EQ(records.size(), 1U);
  const ModuleRecord& m = records.front();
  EXPECT_EQ(m.name, "m");
  EXPECT_EQ(m.version, "1.0");
  EXPECT_EQ(m.license, "MIT");
  EXPECT_EQ(m.description, "a = b: c");
  EXPECT_EQ(m.package, "p");
  EXPECT_EQ(m.sdk, "0.1");
  EXPECT_EQ(m.requires_modules, (std::vector<ModuleRecord::Requirement>{{"a", ""}, {"b", ""}}));
  ASSERT_EQ(m.monitor_words.size(), 1U);
  EXPECT_EQ(m.monitor_words[0].word, "w");
  EXPECT_EQ(m.monitor_words[0].type, "t");
  ASSERT_EQ(m.types.size(), 1U);
  EXPECT_EQ(m.types[0].name, "t");
  EXPECT_EQ(m.types[0].parent, "object");
  EXPECT_FALSE(m.types[0].abstract);
}

TEST(Modinfo, KeepsOneRequirementOfAModuleThatManyFilesSay) {
  const auto records = parse_modinfo(
      section("requires=b|requires=b:1.2|requires=m:3.0|requires=a:1.0|requires=b:1.2|name=m|"));
  EXPECT_EQ(records.at(0).requires_modules,
            (std::vector<ModuleRecord::Requirement>{{"a", "1.0"}, {"b", "1.2"}}));
}

TEST(Modinfo, JoinsWhatIsSaidAboutAType) {
  const auto records = parse_modinfo(
      section("about=t:PCI:Misc:board-only:one: two|type=t:device:abstract|about=other::::x|"));
  const ModuleRecord::Type& type = records.at(0).types.at(0);
  EXPECT_TRUE(type.abstract);
  EXPECT_TRUE(type.board_only);
  EXPECT_EQ(type.bus, "PCI");
  EXPECT_EQ(type.category, "Misc");
  EXPECT_EQ(type.description, "one: two");
}

TEST(Modinfo, PassesOverPaddingAndUnknownKeys) {
  EXPECT_EQ(parse_modinfo(section("||name=m|||future=yes|")).at(0).name, "m");
}

TEST(Modinfo, TellsLinkedModulesApartByPrefix) {
  const auto records = parse_modinfo(section("a.name=a|name=x|b.name=b|a.version=2|"));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].name, "a");
  EXPECT_EQ(records[0].version, "2");
  EXPECT_EQ(records[1].name, "x");
  EXPECT_EQ(records[2].name, "b");
}

TEST(Modinfo, OfNothingIsEmpty) { EXPECT_TRUE(parse_modinfo("").empty()); }

TEST(Modinfo, RefusesTextThatIsNoMetadata) {
  EXPECT_EQ(message_of("name=m|vers"), "damaged: its metadata does not end");
  EXPECT_EQ(message_of("name|"), "damaged: its metadata has the line 'name'");
  EXPECT_EQ(message_of("name=a|name=b|"), "damaged: its metadata says 'name' twice");
  EXPECT_EQ(message_of("name=a\x1b[2J|"), "damaged: its metadata has a control character");
  EXPECT_EQ(message_of("type=a b:object|"), "damaged: its metadata has the line 'type=a b:object'");
  EXPECT_EQ(message_of("type=a|"), "damaged: its metadata has the line 'type=a'");
  EXPECT_EQ(message_of("about=a:b|"), "damaged: its metadata has the line 'about=a:b'");
  EXPECT_EQ(message_of("requires=../x|"), "damaged: its metadata has the line 'requires=../x'");
}

TEST(Modinfo, RefusesHugeMetadata) {
  EXPECT_EQ(message_of("description=" + std::string(5000, 'x') + "|"),
            "damaged: its metadata has a line of 5012 bytes");
  std::string many;
  for (int n = 0; n < 5000; ++n) many += "type=a:b|";
  EXPECT_EQ(message_of(many), "damaged: its metadata has too many lines");
}

}  // namespace
}  // namespace backplane
