// SPDX-License-Identifier: MIT
#include "base.h"

namespace {
class Linked final : public Base {
  int answer() const override { return Base::answer() + 1; }
};
BACKPLANE_TYPE(Linked, "linked-thing")
}  // namespace

BACKPLANE_MODULE("linked", "1.0")
