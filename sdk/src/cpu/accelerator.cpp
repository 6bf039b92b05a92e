// SPDX-License-Identifier: MIT
#include "backplane/accelerator.h"

#include "backplane/catalogue.h"

namespace backplane {

void Accelerator::class_init(AccelClass&) {}

void Accelerator::count_instructions(const IcountOptions&) {
  throw Error("-icount is not allowed with hardware virtualization");
}

void Accelerator::expect_saves_state() const {
  throw Error::of("accelerator {} cannot save or load a machine's state", name())
      .with_hint("use -accel tcg");
}

DebugSupport Accelerator::debug_support() const {
  return {.missing = fmt::format(
              "accelerator {} neither steps nor has breakpoints or watchpoints: use -accel tcg",
              name())};
}

std::string Accelerator::name() const { return std::string(kAccelKind.user_name(type_name())); }

const AccelClass& accel_find(std::string_view name) {
  return class_of_kind<AccelClass>(kAccelKind, name);
}

BACKPLANE_REGISTER_ABSTRACT(Accelerator)

}  // namespace backplane
