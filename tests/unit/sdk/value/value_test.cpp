// SPDX-License-Identifier: MIT
#include "backplane/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "backplane/error.h"

namespace backplane {
namespace {

std::string message_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Value, WholeNumbersKeepTheirValueAtBothEnds) {
  EXPECT_EQ(Value(std::numeric_limits<i64>::min()).as_signed(), std::numeric_limits<i64>::min());
  EXPECT_EQ(Value(std::numeric_limits<u64>::max()).as_unsigned(), std::numeric_limits<u64>::max());
  EXPECT_EQ(Value(u8{7}), Value(i64{7}));
  EXPECT_NE(Value(7), Value(7.0));
}

TEST(Value, ANumberThatDoesNotFitIsAnError) {
  EXPECT_THROW(Value(-1).as_unsigned(), Error);
  EXPECT_THROW(Value(std::numeric_limits<u64>::max()).as_signed(), Error);
  EXPECT_THROW(Value(1.5).as_signed(), Error);
  EXPECT_THROW(Value("1").as_signed(), Error);
  EXPECT_THROW(Value(1).as_bool(), Error);
}

TEST(Value, FieldsAreFoundByName) {
  const Value record = Value::Record{{"a", 1}, {"b", Value()}};
  ASSERT_NE(record.find("a"), nullptr);
  EXPECT_EQ(*record.find("a"), Value(1));
  EXPECT_TRUE(record.find("b")->is_null());
  EXPECT_EQ(record.find("c"), nullptr);
  EXPECT_EQ(Value(1).find("a"), nullptr);
}

TEST(ValueText, ScalarsAreALineEach) {
  EXPECT_EQ(to_text(Value(true)), "on\n");
  EXPECT_EQ(to_text(Value(-3)), "-3\n");
  EXPECT_EQ(to_text(Value(std::numeric_limits<u64>::max())), "18446744073709551615\n");
  EXPECT_EQ(to_text(Value("words")), "words\n");
  EXPECT_EQ(to_text(Value()), "");
}

TEST(ValueText, ARecordNamesItsFieldsAndIndentsWhatIsWithin) {
  const Value record = Value::Record{{"running", false},
                                     {"nothing", Value()},
                                     {"ram", Value::Record{{"total", 5}}},
                                     {"names", Value::List{"a", "b"}}};
  EXPECT_EQ(to_text(record), "running: off\nram:\n  total: 5\nnames:\n  a\n  b\n");
}

TEST(ValueText, AListOfRecordsHasALineForEach) {
  const Value list = Value::List{
      Value::Record{{"id", "d0"}, {"ro", true}, {"size", 512}, {"more", Value::Record{{"x", 1}}}},
      Value::Record{{"id", "d1"}}};
  EXPECT_EQ(to_text(list), "d0: ro=on, size=512\n  more:\n    x: 1\nd1\n");
}

constexpr std::string_view kColours[] = {"red", "green"};
constexpr ValueType kColour = one_of(kColours);
constexpr TypeMember kPointMembers[] = {{"x", &kInteger}, {"colour", &kColour, true}};
constexpr ValueType kPoint = record_of(kPointMembers);
constexpr ValueType kPoints = list_of(kPoint);
constexpr TypeMember kShapeMembers[] = {{"points", &kPoints}, {"size", &kBytes}};
constexpr ValueType kShape = record_of(kShapeMembers);
constexpr ValueType kOpenShape = open_record_of(kShapeMembers);

TEST(ValueType, TellsWhatIsWrongAndWhere) {
  const auto problem = [](Value value) { return message_of([&] { check(kShape, value); }); };
  const Value point = Value::Record{{"x", 1}, {"colour", "red"}};
  EXPECT_EQ(problem(Value::Record{{"points", Value::List{point}}, {"size", 1}}), "");
  EXPECT_EQ(problem(Value::Record{{"size", 1}}), "Parameter 'points' is missing");
  EXPECT_EQ(problem(Value::Record{{"points", Value::List{}}, {"size", 1}, {"z", 1}}),
            "Parameter 'z' is unexpected");
  EXPECT_EQ(problem(Value::Record{{"points", 1}, {"size", 1}}),
            "Invalid parameter type for 'points', expected: array");
  EXPECT_EQ(problem(Value::Record{{"points", Value::List{point, Value::Record{{"x", "1"}}}},
                                  {"size", 1}}),
            "Invalid parameter type for 'points[1].x', expected: integer");
  EXPECT_EQ(problem(Value::Record{
                {"points", Value::List{Value::Record{{"x", 1}, {"colour", "blue"}}}}, {"size", 1}}),
            "Parameter 'points[0].colour' does not accept value 'blue'");
  EXPECT_EQ(problem(Value::Record{{"points", Value::List{}}, {"size", -1}}),
            "Parameter 'size' expects uint64");
}

TEST(ValueType, AnOpenRecordMayHaveOtherFields) {
  const Value more = Value::Record{{"points", Value::List{}}, {"size", 1}, {"z", 1}};
  EXPECT_NO_THROW(check(kOpenShape, more));
  EXPECT_THROW(check(kShape, more), Error);
}

}  // namespace
}  // namespace backplane
