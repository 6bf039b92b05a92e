// SPDX-License-Identifier: MIT
#include "backplane/shown.h"

#include <gtest/gtest.h>

#include "backplane/error.h"

namespace backplane {
namespace {

TEST(Printable, LeavesTextOfAnyLanguageAlone) {
  EXPECT_EQ(printable("plain, 'quoted' C:\\path"), "plain, 'quoted' C:\\path");
  EXPECT_EQ(printable("\u00e9\u20ac\U0001f600"), "\u00e9\u20ac\U0001f600");
}

TEST(Printable, EscapesWhatIsNotPrintable) {
  EXPECT_EQ(printable("a\nb\r\tc\x1b[31m\x7f"), "a\\nb\\r\\tc\\x1b[31m\\x7f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // a control character of Latin-1
}

TEST(Printable, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(printable("\xff\xe9z"), "\\xff\\xe9z");
  EXPECT_EQ(printable("\xc0\x8a"), "\\xc0\\x8a");           // a newline, encoded too long
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half of a surrogate pair
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");  // cut off
}

TEST(Printable, ChangesNothingASecondTime) {
  const std::string once = printable("a\n\x1b\xff");
  EXPECT_EQ(printable(once), once);
}

TEST(Shown, LeavesTextOfTheGreatestLengthWhole) {
  const std::string text(kLongestShown, 'a');
  EXPECT_EQ(shown(text), text);
}

TEST(Shown, ShortensALongerOne) {
  const std::string text = shown("<" + std::string(10'000, 'a') + ">");
  EXPECT_LE(text.size(), kLongestShown);
  EXPECT_TRUE(text.starts_with("<aaa") && text.ends_with("aaa>")) << text;
  EXPECT_NE(text.find("[9794 more bytes]"), std::string::npos) << text;
}

TEST(Shown, CutsBetweenCharacters) {
  for (std::size_t offset = 0; offset < 4; ++offset) {
    std::string text(offset, '-');
    while (text.size() < 1000) text += "\U0001f600";
    EXPECT_EQ(shown(text).find("\\x"), std::string::npos) << shown(text);
  }
}

TEST(Error, ShowsWhatItsArgumentsAre) {
  const std::string_view path = "a\nb";
  EXPECT_STREQ(Error::of("'{}' and {} of {}", path, 7, "c\td").what(), "'a\\nb' and 7 of c\\td");
  EXPECT_STREQ(Error::system("a\nb", 2).what(), "a\\nb: No such file or directory");
  EXPECT_LT(std::string(Error::of("{}", std::string(10'000, 'x')).what()).size(), 300u);
}

TEST(Error, KeepsTheProgramsOwnTextsWhole) {
  const std::string list(1000, 'x');
  EXPECT_EQ(Error::of("there are: {}", OwnText{list}).what(), "there are: " + list);
}

}  // namespace
}  // namespace backplane
