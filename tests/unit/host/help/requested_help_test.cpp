// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/json.h"
#include "command_line.h"

namespace backplane::host {
namespace {

std::string help_of(const std::string& words) {
  return requested_help(command_line(words)).value_or("nothing");
}

// Arguments that may be any text.
bool takes_any_text(std::string_view argument) {
  for (const std::string_view text : {"", "FILE", "DIRECTORY", "WORDS", "USER|UID:GID"})
    if (argument == text) return true;
  return false;
}

TEST(RequestedHelp, IsGivenByEveryOptionThatTakesWordsOfItsOwn) {
  for (const OptionSpec& row : option_table().rows()) {
    if (takes_any_text(row.argument)) continue;
    for (const char* word : {" help", " ?"})
      EXPECT_GT(help_of("-" + row.name + word).size(), 20U) << row.name << word;
  }
}

TEST(RequestedHelp, LeavesFilesTheirNames) {
  for (const OptionSpec& row : option_table().rows())
    if (takes_any_text(row.argument) && !row.argument.empty()) {
      EXPECT_EQ(help_of("-" + row.name + " help"), "nothing") << row.name;
    }
}

TEST(RequestedHelp, ListsWhatAKeyTakes) {
  EXPECT_NE(help_of("-drive file=x,format=help").find("raw"), std::string::npos);
  EXPECT_NE(help_of("-drive if=help").find("if=virtio|ide|scsi|pflash|none"), std::string::npos);
  EXPECT_NE(help_of("-serial help").find("socket"), std::string::npos);
  EXPECT_EQ(help_of("-drive file=help"), "nothing");
}

TEST(RequestedHelp, OfEachListIsJsonToo) {
  for (const char* option : {"-accel", "-machine", "-cpu", "-device", "-chardev", "-blockdev",
                             "-netdev", "-object", "-module"}) {
    const Value listing = parse_json(help_of(std::string(option) + " help,format=json"));
    EXPECT_EQ(listing.find("digest")->as_string().size(), 64U) << option;
  }
  const Value type = parse_json(help_of("-chardev file,help,format=json"));
  EXPECT_EQ(type.find("type")->as_string(), "chardev-file");
  EXPECT_EQ(type.find("state")->as_string(), "builtin");
  EXPECT_FALSE(type.find("properties")->as_list().empty());
}

}  // namespace
}  // namespace backplane::host
