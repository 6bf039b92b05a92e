// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/options.h"

namespace backplane {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs parse(std::string_view text, std::string_view implied = {}) {
  return KeyValueList::parse(text, implied).pairs();
}

TEST(KeyValueList, KeepsTheOrderGiven) {
  EXPECT_EQ(parse("b=1,a=2,b=3"), (Pairs{{"b", "1"}, {"a", "2"}, {"b", "3"}}));
}

TEST(KeyValueList, ImpliesTheFirstKey) {
  EXPECT_EQ(parse("pc,accel=tcg", "type"), (Pairs{{"type", "pc"}, {"accel", "tcg"}}));
  EXPECT_EQ(parse("type=pc", "type"), (Pairs{{"type", "pc"}}));
  EXPECT_EQ(parse("accel=tcg", "type"), (Pairs{{"accel", "tcg"}}));
}

TEST(KeyValueList, ReadsAKeyWithoutValueAsOn) {
  EXPECT_EQ(parse("socket,path=/x,server", "backend"),
            (Pairs{{"backend", "socket"}, {"path", "/x"}, {"server", "on"}}));
  EXPECT_EQ(parse("server"), (Pairs{{"server", "on"}}));
}

TEST(KeyValueList, ReadsTwoCommasAsOneInsideAValue) {
  EXPECT_EQ(parse("file=a,,b,id=x"), (Pairs{{"file", "a,b"}, {"id", "x"}}));
  EXPECT_EQ(parse("a,,b", "file"), (Pairs{{"file", "a,b"}}));
  EXPECT_EQ(parse("file=,,,,"), (Pairs{{"file", ",,"}}));
  EXPECT_EQ(parse("file=a,,,b=1"), (Pairs{{"file", "a,"}, {"b", "1"}}));
}

TEST(KeyValueList, KeepsEqualsSignsOfAValue) {
  EXPECT_EQ(parse("append=root=/dev/vda"), (Pairs{{"append", "root=/dev/vda"}}));
}

TEST(KeyValueList, KeepsEmptyValues) {
  EXPECT_EQ(parse("accel="), (Pairs{{"accel", ""}}));
  EXPECT_EQ(parse(",accel=tcg", "type"), (Pairs{{"type", ""}, {"accel", "tcg"}}));
}

TEST(KeyValueList, OfTheEmptyTextIsEmpty) { EXPECT_TRUE(KeyValueList::parse("", "x").empty()); }

TEST(KeyValueList, RefusesElementsWithoutName) {
  EXPECT_THROW(parse("=1"), Error);
  EXPECT_THROW(parse("a=1,=2"), Error);
  EXPECT_THROW(parse("a=1,"), Error);
}

TEST(KeyValueList, LooksUpTheLastOfAKey) {
  const KeyValueList list = KeyValueList::parse("a=1,a=2");
  EXPECT_EQ(list.get("a"), "2");
  EXPECT_EQ(list.get("b", "none"), "none");
  EXPECT_FALSE(list.has("b"));
}

TEST(KeyValueList, TellsWhatWasNotTaken) {
  KeyValueList list = KeyValueList::parse("cpus=2,coers=1");
  EXPECT_EQ(list.take("cpus"), "2");
  EXPECT_EQ(list.take("cpus"), std::nullopt);
  try {
    list.expect_empty("cpus, cores");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "'coers' is unknown; there are: cpus, cores");
  }
}

TEST(KeyValueList, TakesTypedValues) {
  KeyValueList list = KeyValueList::parse("size=1G,on,n=abc");
  EXPECT_EQ(list.take_as<Size>("size")->bytes, 1_GiB);
  EXPECT_EQ(list.take_as<bool>("on"), true);
  EXPECT_EQ(list.take_as<u32>("absent"), std::nullopt);
  try {
    list.take_as<u8>("n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "n='abc': expects a number from 0 to 255");
  }
}

TEST(KeyValueList, GoesBackToText) {
  for (const char* text : {"pc,accel=tcg", "file=a,,b,server", "x=", "a,,b"})
    EXPECT_EQ(KeyValueList::parse(text, "type").text(), text);
}

}  // namespace
}  // namespace backplane
