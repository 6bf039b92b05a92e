// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "options/foreign_options.h"
#include "options/option_table.h"

namespace backplane::host {
namespace {

TEST(OptionTable, IsWhatTheDocumentationSays) {
  std::ifstream file(BACKPLANE_SOURCE_DIR "/docs/command-line.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find("\n" + option_table().markdown() + "<!--"), std::string::npos)
      << "docs/command-line.md should have between its two marks:\n"
      << option_table().markdown();
}

TEST(ForeignOptions, AreWhatTheDocumentationSays) {
  std::ifstream file(BACKPLANE_SOURCE_DIR "/docs/command-line.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find("\n" + foreign_options_markdown()), std::string::npos)
      << "docs/command-line.md should have:\n"
      << foreign_options_markdown();
}

TEST(ForeignOptions, SayWhatToDo) {
  for (const ForeignOption& option : foreign_options())
    EXPECT_TRUE(option.instead.find("use ") != std::string_view::npos ||
                option.instead.find("there is nothing in its place") != std::string_view::npos ||
                option.so != nullptr || option.instead.starts_with("write "))
        << option.name;
}

TEST(OptionTable, HasNoLineThatWouldWrap) {
  std::istringstream help(option_table().help());
  for (std::string line; std::getline(help, line);) EXPECT_LE(line.size(), 100U) << line;
}

}  // namespace
}  // namespace backplane::host
