// SPDX-License-Identifier: MIT
#pragma once

#include <backplane/object.h>

// What the other two modules derive from.
class Base : public backplane::Object {
  BACKPLANE_OBJECT(Base, backplane::Object, "base")
 public:
  static void class_init(backplane::ObjectClass& k);
  virtual int answer() const;
};
