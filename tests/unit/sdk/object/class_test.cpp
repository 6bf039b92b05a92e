// SPDX-License-Identifier: MIT
// Registration, and classes that inherit.
#include <gtest/gtest.h>

#include "fixture_types.h"

namespace backplane {
namespace fixture {

void Shape::class_init(ShapeClass& k) {
  k.corners = 1;
  k.inherited = "set by shape";
  k.property<&Shape::width>("width", "how wide");
  k.property<&Shape::filled>("filled", "whether it is filled");
  k.property<&Shape::area>("area", "bytes it takes");
  k.property<&Shape::label>("label", "its label");
  k.property<&Shape::visible>("visible", "whether it is shown");
  k.property<&Shape::offset>("offset", "from the left");
  k.property<&Shape::neighbour>("neighbour", "the shape beside it");
  k.property<&Shape::corners>("corners", "read-only");
}
BACKPLANE_REGISTER_ABSTRACT(Shape, .bus = "test-bus", .category = "Shapes",
                            .description = "A shape")

void Square::class_init(ShapeClass& k) { k.corners += 3; }
BACKPLANE_REGISTER(Square, .description = "Four sides")

namespace {

// No class_init and no facts of its own.
class Plain final : public Square {};
BACKPLANE_TYPE(Plain, "test-plain");

class Hidden final : public Square {
 public:
  static void class_init(ShapeClass& k) { k.category = "Other"; }
};
BACKPLANE_TYPE(Hidden, "test-hidden", .board_only = true);

class Orphan final : public Object {};
constinit TypeInfo orphan_info{"test-orphan",
                               "test-no-such-parent",
                               false,
                               []() -> Object* { return new Orphan; },
                               &detail::make_class<Orphan, Object>,
                               &orphan_info,
                               &typeid(Orphan),
                               {},
                               nullptr};

}  // namespace
}  // namespace fixture

namespace {

using fixture::ShapeClass;

const ShapeClass& class_of(std::string_view name) {
  return *static_cast<const ShapeClass*>(TypeRegistry::instance().class_of(name));
}

TEST(Class, StartsAsACopyOfItsParents) {
  EXPECT_EQ(class_of("test-square").corners, 4);
  EXPECT_EQ(class_of("test-square").inherited, "set by shape");
  EXPECT_EQ(class_of("test-shape").corners, 1);
}

TEST(Class, WithoutClassInitDoesNotRunItsParentsAgain) {
  EXPECT_EQ(class_of("test-plain").corners, 4);
}

TEST(Class, KnowsItsNameParentAndRecord) {
  const ShapeClass& k = class_of("test-plain");
  EXPECT_EQ(k.name, "test-plain");
  EXPECT_EQ(k.parent, &class_of("test-square"));
  EXPECT_STREQ(k.type->name, "test-plain");
  EXPECT_TRUE(k.is_a("test-shape"));
  EXPECT_TRUE(k.is_a("object"));
  EXPECT_FALSE(k.is_a("test-hidden"));
}

TEST(Class, TakesItsListingFactsFromTheRegistration) {
  EXPECT_EQ(class_of("test-square").description, "Four sides");
  EXPECT_EQ(class_of("test-square").bus_type, "test-bus");
  EXPECT_EQ(class_of("test-square").category, "Shapes");
  EXPECT_TRUE(class_of("test-square").user_creatable);
}

TEST(Class, DoesNotInheritTheDescription) { EXPECT_EQ(class_of("test-plain").description, ""); }

TEST(Class, InitOverridesTheListingFacts) {
  EXPECT_EQ(class_of("test-hidden").category, "Other");
  EXPECT_FALSE(class_of("test-hidden").user_creatable);
}

TEST(Class, IsMadeOnce) { EXPECT_EQ(&class_of("test-square"), &class_of("test-square")); }

TEST(Registry, KnowsNothingOfAnUnknownName) {
  EXPECT_EQ(TypeRegistry::instance().class_of("nosuch"), nullptr);
  EXPECT_FALSE(TypeRegistry::instance().has("nosuch"));
}

TEST(Registry, KeepsTheFirstOfTwoTypesOfOneName) {
  TypeInfo second = fixture::orphan_info;
  second.name = "test-square";
  ASSERT_TRUE(TypeRegistry::instance().has("test-square"));
  EXPECT_THROW(TypeRegistry::instance().add(second), Error);
  EXPECT_EQ(class_of("test-square").corners, 4);
}

TEST(Registry, RefusesTheClassOfATypeWhoseParentIsUnknown) {
  TypeRegistry& registry = TypeRegistry::instance();
  if (!registry.has("test-orphan")) registry.add(fixture::orphan_info);
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      registry.class_of("test-orphan");
      FAIL();
    } catch (const Error& error) {
      EXPECT_STREQ(
          error.what(),
          "type 'test-orphan' derives from 'test-no-such-parent', which is not registered");
    }
  }
}

TEST(Registry, ListsWhatDerivesFromATypeSortedByName) {
  std::vector<std::string> names;
  for (const ObjectClass* k : TypeRegistry::instance().list("test-square"))
    names.push_back(k->name);
  EXPECT_EQ(names, (std::vector<std::string>{"test-hidden", "test-plain", "test-square"}));
}

TEST(Registry, DoesNotMakeAnAbstractType) {
  EXPECT_THROW(TypeRegistry::instance().create("test-shape"), Error);
}

TEST(Registry, MakesObjectsThatKnowTheirClass) {
  const std::unique_ptr<Object> object = TypeRegistry::instance().create("test-plain");
  EXPECT_EQ(object->type_name(), "test-plain");
  EXPECT_NE(dynamic_cast<fixture::Square*>(object.get()), nullptr);
}

TEST(Registry, MakesObjectsOfAKnownClassOnly) {
  EXPECT_NO_THROW(create_object<fixture::Shape>("test-plain"));
  EXPECT_THROW(create_object<fixture::Shape>("object"), Error);
}

TEST(Object, MadeWithoutTheRegistryFindsItsClass) {
  const fixture::Square square;
  EXPECT_EQ(square.type_name(), "test-square");
}

TEST(Object, OfAnUnregisteredClassSaysSo) {
  class Unknown final : public Object {};
  const Unknown object;
  EXPECT_THROW(object.object_class(), Error);
}

}  // namespace
}  // namespace backplane
