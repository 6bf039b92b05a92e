// SPDX-License-Identifier: MIT
#include "base.h"

namespace {
class Loaded final : public Base {
  int answer() const override { return Base::answer() + 2; }
};
BACKPLANE_TYPE(Loaded, "loaded-thing")
}  // namespace

BACKPLANE_MODULE("loaded", "1.0")
