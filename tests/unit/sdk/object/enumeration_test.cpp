// SPDX-License-Identifier: MIT
#include "backplane/enumeration.h"

#include <gtest/gtest.h>

namespace backplane {

enum class Colour { Red, Green, Blue };
template <>
struct EnumNames<Colour> {
  static constexpr EnumName<Colour> kNames[] = {{Colour::Red, "red"},
                                                {Colour::Green, "green"},
                                                {Colour::Blue, "blue"},
                                                {Colour::Red, "crimson", true}};
};

namespace {

using Traits = PropertyTraits<Colour>;

TEST(Enumeration, ValuesAreReadAndPrintedByTheirNames) {
  for (const auto& [value, name] :
       {std::pair{Colour::Red, "red"}, {Colour::Green, "green"}, {Colour::Blue, "blue"}}) {
    EXPECT_EQ(Traits::parse(name), value);
    EXPECT_EQ(Traits::print(value), name);
  }
}

TEST(Enumeration, SynonymsAreUnderstoodAndNotOffered) {
  EXPECT_EQ(Traits::parse("crimson"), Colour::Red);
  EXPECT_EQ(Traits::print(Colour::Red), "red");
  EXPECT_EQ(Traits::kTypeName, "red|green|blue");
}

TEST(Enumeration, AnotherTextIsAnsweredWithTheNames) {
  for (const char* text : {"", "Red", "redd", "yellow"}) try {
      Traits::parse(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "expects red, green or blue");
    }
}

}  // namespace
}  // namespace backplane
