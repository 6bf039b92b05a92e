// SPDX-License-Identifier: MIT
#include "profile/guest_symbols.h"

#include <gtest/gtest.h>

#include "backplane/error.h"
#include "backplane/testing/scratch_directory.h"

namespace backplane::tcg {
namespace {

class GuestSymbolsTest : public ::testing::Test {
 protected:
  GuestSymbols symbols(const std::string& text) {
    return GuestSymbols(directory_.write("symbols", text));
  }

  testing::ScratchDirectory directory_;
};

TEST_F(GuestSymbolsTest, NamesTheFunctionThatAnAddressIsIn) {
  const GuestSymbols names = symbols(
      "ffffffff81000100 t second\n"
      "ffffffff81000000 T first\n"
      "ffffffff81000200 W third\t[module]\n");
  EXPECT_EQ(names.name_of(0xffffffff81000000), "first");
  EXPECT_EQ(names.name_of(0xffffffff810000ff), "first+0xff");
  EXPECT_EQ(names.name_of(0xffffffff81000100), "second");
  EXPECT_EQ(names.name_of(0xffffffff81000210), "third+0x10");
}

TEST_F(GuestSymbolsTest, GivesAnAddressThatIsInNoneAsItIs) {
  const GuestSymbols names = symbols("1000 T first\n");
  EXPECT_EQ(names.name_of(0xfff), "guest_0000000000000fff");
  EXPECT_EQ(names.name_of(0x7fff00000000), "guest_00007fff00000000");
  EXPECT_EQ(GuestSymbols().name_of(1), "guest_0000000000000001");
}

TEST_F(GuestSymbolsTest, PassesOverWhatIsNoFunction) {
  const GuestSymbols names = symbols(
      "                 U undefined\n"
      "2000 D data\n"
      "\n"
      "zz T nonsense\n"
      "3000\n"
      "1000 T function\n");
  EXPECT_EQ(names.name_of(0x2004), "function+0x1004");
  EXPECT_EQ(names.name_of(0x3004), "function+0x2004");
}

TEST_F(GuestSymbolsTest, RefusesAFileWithoutFunctions) {
  EXPECT_THROW(symbols("nothing of it\n"), Error);
  EXPECT_THROW(GuestSymbols(directory_ / "nosuch"), Error);
}

}  // namespace
}  // namespace backplane::tcg
