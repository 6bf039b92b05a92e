// SPDX-License-Identifier: MIT
// Types that the object model's tests share.
#pragma once

#include "backplane/object.h"

namespace backplane::fixture {

struct ShapeClass : ObjectClass {
  ShapeClass() = default;
  explicit ShapeClass(const ObjectClass& parent) : ObjectClass(parent) {}
  int corners = 0;
  std::string inherited = "from shape's member";
  std::string bus_type;
  std::string category;
  bool user_creatable = true;
};

// Abstract; sits on a bus.
class Shape : public Object {
  BACKPLANE_OBJECT(Shape, Object, "test-shape")
 public:
  using Class = ShapeClass;
  static void class_init(ShapeClass& k);
  const ShapeClass& shape_class() const { return static_cast<const ShapeClass&>(object_class()); }
  int corners() const { return shape_class().corners; }

  u8 width = 4;
  bool filled = false;
  Size area{64 << 10};
  std::string label = "plain";
  OnOffAuto visible = OnOffAuto::Auto;
  i16 offset = -3;
  Shape* neighbour = nullptr;
};

class Square : public Shape {
  BACKPLANE_OBJECT(Square, Shape, "test-square")
 public:
  static void class_init(ShapeClass& k);
};

}  // namespace backplane::fixture
