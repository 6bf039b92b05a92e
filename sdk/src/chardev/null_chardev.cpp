// SPDX-License-Identifier: MIT
#include "backplane/chardev.h"

namespace backplane {

namespace {

// Takes everything, gives nothing.
class NullChardev final : public Chardev {
 public:
  static void class_init(ObjectClass&) {}
  void write(const u8*, std::size_t) override {}
  std::string describe() const override { return "null"; }
};

BACKPLANE_TYPE(NullChardev, "chardev-null", .description = "Takes everything, gives nothing")

}  // namespace

}  // namespace backplane
