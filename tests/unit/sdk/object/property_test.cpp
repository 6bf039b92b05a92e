// SPDX-License-Identifier: MIT
// Properties by name: parsing, printing, and what is said when a value does not fit.
#include "backplane/property.h"

#include <gtest/gtest.h>

#include "fixture_types.h"

namespace backplane {
namespace {

using fixture::Shape;

std::unique_ptr<Shape> square() { return create_object<Shape>("test-square"); }

std::string message_of_set(Object& object, std::string_view name, std::string_view value) {
  try {
    object.set_property(name, value);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Property, HasItsMembersInitializerAsDefault) {
  const auto object = square();
  EXPECT_EQ(object->get_property("width"), "4");
  EXPECT_EQ(object->get_property("filled"), "off");
  EXPECT_EQ(object->get_property("area"), "64K");
  EXPECT_EQ(object->get_property("label"), "plain");
  EXPECT_EQ(object->get_property("visible"), "auto");
  EXPECT_EQ(object->get_property("offset"), "-3");
  EXPECT_EQ(object->get_property("neighbour"), "");
  EXPECT_EQ(object->get_property("corners"), "4");
}

TEST(Property, IsSetFromText) {
  const auto object = square();
  object->set_property("width", "0xff");
  object->set_property("filled", "on");
  object->set_property("area", "1.5M");
  object->set_property("offset", "-32768");
  object->set_property("visible", "off");
  EXPECT_EQ(object->width, 255);
  EXPECT_TRUE(object->filled);
  EXPECT_EQ(object->area.bytes, 1536_KiB);
  EXPECT_EQ(object->offset, -32768);
  EXPECT_EQ(object->visible, OnOffAuto::Off);
}

TEST(Property, ThatIsUnknownIsToldWithThoseThereAre) {
  EXPECT_EQ(message_of_set(*square(), "heigth", "1"),
            "test-square.heigth: no such property; there are: area, corners, filled, label, "
            "neighbour, offset, visible, width");
}

TEST(Property, OfATypeWithoutAnyIsToldAsSuch) {
  Object object;
  EXPECT_EQ(message_of_set(object, "x", "1"), "object.x: no such property; object has none");
}

TEST(Property, ReadOnlyRefusesToChange) {
  EXPECT_EQ(message_of_set(*square(), "corners", "5"),
            "test-square.corners: this property is read-only");
}

struct BadValue {
  const char* property;
  const char* value;
  const char* message;
};

class BadValueTest : public testing::TestWithParam<BadValue> {};

TEST_P(BadValueTest, IsToldAndChangesNothing) {
  const auto object = square();
  const std::string before = object->get_property(GetParam().property);
  EXPECT_EQ(message_of_set(*object, GetParam().property, GetParam().value),
            fmt::format("test-square.{}: '{}': {}", GetParam().property, GetParam().value,
                        GetParam().message));
  EXPECT_EQ(object->get_property(GetParam().property), before);
}

INSTANTIATE_TEST_SUITE_P(
    Values, BadValueTest,
    testing::Values(BadValue{"width", "256", "expects a number from 0 to 255"},
                    BadValue{"width", "-1", "expects a number from 0 to 255"},
                    BadValue{"width", "", "expects a number from 0 to 255"},
                    BadValue{"width", "0x", "expects a number from 0 to 255"},
                    BadValue{"width", " 1", "expects a number from 0 to 255"},
                    BadValue{"width", "1x", "expects a number from 0 to 255"},
                    BadValue{"width", "99999999999999999999", "expects a number from 0 to 255"},
                    BadValue{"offset", "32768", "expects a number from -32768 to 32767"},
                    BadValue{"offset", "-32769", "expects a number from -32768 to 32767"},
                    BadValue{"offset", "--1", "expects a number from -32768 to 32767"},
                    BadValue{"filled", "maybe", "expects on or off"},
                    BadValue{"visible", "1", "expects on, off or auto"},
                    BadValue{"area", "K", "expects a size in bytes, such as 512K, 64M or 1.5G"},
                    BadValue{"area", "16E", "expects a size in bytes, such as 512K, 64M or 1.5G"},
                    BadValue{"area", "1.xG", "expects a size in bytes, such as 512K, 64M or 1.5G"},
                    BadValue{"area", "-1", "expects a size in bytes, such as 512K, 64M or 1.5G"},
                    BadValue{"neighbour", "/nowhere", "expects the path of a test-shape"}));

TEST(PropertyTraits, ReadTheWholeRangeOf64Bits) {
  EXPECT_EQ(PropertyTraits<u64>::parse("18446744073709551615"), ~u64{0});
  EXPECT_EQ(PropertyTraits<i64>::parse("-9223372036854775808"), std::numeric_limits<i64>::min());
  EXPECT_THROW(PropertyTraits<i64>::parse("9223372036854775808"), Error);
}

struct SizeText {
  const char* text;
  u64 bytes;
  const char* printed;
};

class SizeTest : public testing::TestWithParam<SizeText> {};

TEST_P(SizeTest, IsReadAndPrinted) {
  EXPECT_EQ(PropertyTraits<Size>::parse(GetParam().text).bytes, GetParam().bytes);
  EXPECT_EQ(PropertyTraits<Size>::print(Size{GetParam().bytes}), GetParam().printed);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, SizeTest,
    testing::Values(SizeText{"0", 0, "0"}, SizeText{"512", 512, "512"},
                    SizeText{"0x1000", 4096, "4K"}, SizeText{"0xb", 11, "11"},
                    SizeText{"100b", 100, "100"}, SizeText{"64k", 65536, "64K"},
                    SizeText{"1.5G", u64{3} << 29, "1536M"}, SizeText{"2T", u64{2} << 40, "2T"},
                    SizeText{"15E", u64{15} << 60, "15E"}, SizeText{"0.5K", 512, "512"}));

TEST(Link, IsSetByPathAndPrintsIt) {
  Object root;
  Shape& first = root.add_child("first", square());
  Shape& second = root.add_child("second", square());
  first.set_property("neighbour", "/second");
  EXPECT_EQ(first.neighbour, &second);
  EXPECT_EQ(first.get_property("neighbour"), "/second");
  first.set_property("neighbour", "");
  EXPECT_EQ(first.neighbour, nullptr);
}

TEST(Link, RefusesATargetOfAnotherType) {
  Object root;
  root.add_child("other", std::make_unique<Object>());
  Shape& shape = root.add_child("shape", square());
  EXPECT_EQ(message_of_set(shape, "neighbour", "/other"),
            "test-square.neighbour: '/other': expects the path of a test-shape");
}

TEST(DescribeProperties, ShowsDefaultsSortedByName) {
  const auto rows = describe_properties(square()->object_class());
  ASSERT_EQ(rows.size(), 8U);
  EXPECT_EQ(rows.front().name, "area");
  EXPECT_EQ(rows.front().type_name, "size");
  EXPECT_EQ(rows.front().default_value, Value(64_KiB));
  EXPECT_EQ(property_text(*rows.front().shape, rows.front().default_value), "64K");
  EXPECT_TRUE(rows[1].read_only);
  EXPECT_EQ(rows[4].type_name, "link<test-shape>");
}

TEST(DescribeProperties, OfAnAbstractTypeHasNoDefaults) {
  const auto rows = describe_properties(*TypeRegistry::instance().class_of("test-shape"));
  ASSERT_FALSE(rows.empty());
  EXPECT_TRUE(rows.front().default_value.is_null());
}

}  // namespace
}  // namespace backplane
