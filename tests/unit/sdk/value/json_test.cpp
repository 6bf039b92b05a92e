// SPDX-License-Identifier: MIT
#include "backplane/json.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "backplane/error.h"

namespace backplane {
namespace {

using namespace std::string_literals;

TEST(Json, WhatIsWrittenReadsBackAsTheSame) {
  const Value value = Value::Record{
      {"null", Value()},
      {"yes", true},
      {"least", std::numeric_limits<i64>::min()},
      {"most", std::numeric_limits<u64>::max()},
      {"part", 0.1},
      {"whole", 5.0},
      {"large", 1e300},
      {"zero", -0.0},
      {"text", "quote \" backslash \\ line\n tab\t \x7f \xc3\xa9 \xf0\x9f\x98\x80 end\0."s},
      {"list", Value::List{1, "two", Value::List{}, Value::Record{}}}};
  const std::string json = to_json(value);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_EQ(parse_json(json), value) << json;
}

TEST(Json, WhatIsNotUtf8IsReplaced) {
  // Of a text in Latin-1, of one cut in two, an overlong form, and half of a surrogate pair.
  for (const char* text : {"\xe9t\xe9", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf8\x88"}) {
    const Value back = parse_json(to_json(Value(text)));
    EXPECT_NE(back.as_string().find("\xef\xbf\xbd"), std::string::npos) << text;
  }
}

TEST(Json, ThereIsNoInfinity) {
  EXPECT_EQ(to_json(Value(std::numeric_limits<double>::infinity())), "null");
}

TEST(Json, MalformedTextsAreErrors) {
  for (const std::string text :
       {"",      " ",     "{",    "}",        "{]",  "[1,]",    "{\"a\"}",     "{\"a\":}",
        "{a:1}", "01",    "+1",   "1.",       "nul", "\"\\x\"", "\"\\ud800\"", "\"\n\"",
        "{} {}", "[1] x", "\xff", "\"\xff\"", "'a'"})
    EXPECT_THROW(parse_json(text), Error) << text;
}

TEST(Json, AFieldThatIsNamedTwiceIsAnError) {
  EXPECT_THROW(parse_json(R"({"a": 1, "b": {"a": 2}, "a": 3})"), Error);
  EXPECT_NO_THROW(parse_json(R"({"a": 1, "b": {"a": 2}})"));
}

TEST(Json, NestingHasAnEnd) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(parse_json(nested(kMostNested)));
  EXPECT_THROW(parse_json(nested(kMostNested + 1)), Error);
  EXPECT_THROW(parse_json(std::string(1'000'000, '[')), Error);
  EXPECT_THROW(parse_json(std::string(1'000'000, '{')), Error);
}

class Splitter : public ::testing::Test {
 protected:
  std::vector<std::string> split(std::string_view stream) {
    std::vector<std::string> texts;
    for (const char byte : stream) {
      try {
        if (auto text = splitter_.take(byte)) texts.push_back(*text);
      } catch (const Error&) {
        texts.push_back("too long");
      }
    }
    return texts;
  }
  JsonSplitter splitter_{100};
};

using Texts = std::vector<std::string>;

TEST_F(Splitter, RecordsFollowOneAnotherWithOrWithoutSpace) {
  EXPECT_EQ(split("{\"a\":1}{\"b\":[2]}\r\n \t{}\n"), (Texts{"{\"a\":1}", "{\"b\":[2]}", "{}"}));
}

TEST_F(Splitter, ARecordMayHaveSeveralLines) {
  EXPECT_EQ(split("{\n \"a\":\n 1\n}\n"), (Texts{"{\n \"a\":\n 1\n}"}));
}

TEST_F(Splitter, BracesInStringsAreText) {
  EXPECT_EQ(split(R"({"}{\"}": "{{"} {})"), (Texts{R"({"}{\"}": "{{"})", "{}"}));
}

TEST_F(Splitter, WhatIsNoRecordEndsWithItsLine) {
  EXPECT_EQ(split("hello {\n[1, 2]\n}{\n{}"), (Texts{"hello {", "[1, 2]", "}{", "{}"}));
}

TEST_F(Splitter, ATextThatIsTooLongIsSkippedToTheEndOfItsLine) {
  EXPECT_EQ(split("{\"" + std::string(1000, 'x') + "\"}{}\n{\"a\":1}"),
            (Texts{"too long", "{\"a\":1}"}));
  EXPECT_EQ(split(std::string(1000, '[') + "\n{}"), (Texts{"too long", "{}"}));
}

TEST_F(Splitter, ClearForgetsHalfARecord) {
  EXPECT_EQ(split("{\"a\": \""), Texts{});
  splitter_.clear();
  EXPECT_EQ(split("{}"), Texts{"{}"});
}

}  // namespace
}  // namespace backplane
