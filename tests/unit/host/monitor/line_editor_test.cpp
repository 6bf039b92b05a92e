// SPDX-License-Identifier: MIT
#include "monitor/line_editor.h"

#include <gtest/gtest.h>

namespace backplane::host {
namespace {

class Editor : public testing::Test {
 protected:
  // Types all bytes; the lines they made, and in echo_ what the terminal saw.
  std::vector<std::string> type(std::string_view bytes) {
    std::vector<std::string> lines;
    for (const char byte : bytes)
      if (auto line = editor_.type(static_cast<u8>(byte), echo_)) lines.push_back(*line);
    return lines;
  }

  LineEditor editor_;
  std::string echo_;
};

using Lines = std::vector<std::string>;

TEST_F(Editor, EchoesAndEndsALineAtEnter) {
  EXPECT_EQ(type("info accel\r"), Lines{"info accel"});
  EXPECT_EQ(echo_, "info accel\r\n");
}

TEST_F(Editor, TakesEveryKindOfLineEnd) {
  EXPECT_EQ(type("a\rb\nc\r\nd\n\n"), (Lines{"a", "b", "c", "d", ""}));
}

TEST_F(Editor, BackspaceRemovesALetterOnScreenToo) {
  EXPECT_EQ(type("ab\x7f\bc\r"), Lines{"c"});
  EXPECT_EQ(echo_, "ab\b \b\b \bc\r\n");
}

TEST_F(Editor, BackspaceAtTheStartDoesNothing) {
  type("\x7f\x7f");
  EXPECT_EQ(echo_, "");
}

TEST_F(Editor, ControlKeysRemoveAWordOrTheLine) {
  EXPECT_EQ(type("info block  \x17\r"), Lines{"info "});
  EXPECT_EQ(type("info block\x15quit\r"), Lines{"quit"});
}

TEST_F(Editor, ArrowsRecallEarlierLines) {
  type("one\rtwo\r");
  EXPECT_EQ(type("\x1b[A\r"), Lines{"two"});
  EXPECT_EQ(type("\x1b[A\x1b[A\r"), Lines{"one"});
  EXPECT_EQ(type("\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\x1b[B\r"), Lines{"two"});
  EXPECT_EQ(type("x\x1b[A\x1b[B\r"), Lines{""});
}

TEST_F(Editor, OtherKeysWithEscapeSequencesAreIgnored) {
  EXPECT_EQ(type("a\x1b[1;5Cb\x1bOPc\x01\x02\r"), Lines{"abc"});
}

TEST_F(Editor, ALineHasABound) {
  std::string keys(3 * LineEditor::kMaxLine, 'x');
  keys += '\r';
  EXPECT_EQ(type(keys).front().size(), LineEditor::kMaxLine);
}

TEST_F(Editor, AnyBytesAreHarmless) {
  std::string bytes;
  for (unsigned i = 0; i < 65536; ++i) bytes += static_cast<char>(i * 2654435761U >> 24);
  type(bytes);
  EXPECT_LE(editor_.text().size(), LineEditor::kMaxLine);
}

TEST(Completing, AddsWhatAllWordsBeginWithOrListsThem) {
  LineEditor editor("> ", [](const std::string& text) {
    LineEditor::Completions completions{.begin = 0, .words = {}};
    for (const char* word : {"quit", "query-one", "query-two"})
      if (std::string_view(word).starts_with(text)) completions.words.emplace_back(word);
    return completions;
  });
  const auto typed = [&](std::string_view bytes) {
    std::string echo;
    for (const char byte : bytes) editor.type(static_cast<u8>(byte), echo);
    return echo;
  };
  EXPECT_EQ(typed("que\t"), "query-");
  EXPECT_EQ(typed("\t"), "\r\nquery-one  query-two\r\n> query-");
  EXPECT_EQ(typed("t\t"), "two ");
  EXPECT_EQ(editor.text(), "query-two ");
  EXPECT_EQ(typed("\t"), "");
  EXPECT_EQ(typed("\x15qui\t").substr(3 * 10), "quit ");
}

TEST_F(Editor, TabDoesNothingWhereNothingIsKnown) { EXPECT_EQ(type("a\tb\r"), Lines{"ab"}); }

}  // namespace
}  // namespace backplane::host
