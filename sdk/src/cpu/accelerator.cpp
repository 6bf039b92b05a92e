// SPDX-License-Identifier: MIT
#include "backplane/accelerator.h"

namespace backplane {

void Accelerator::class_init(AccelClass&) {}

void Accelerator::expect_saves_state() const {
  throw Error::of("accelerator {} cannot save or load a machine's state", name())
      .with_hint("use -accel tcg");
}

std::string Accelerator::name() const {
  constexpr std::string_view kSuffix = "-accel";
  std::string_view type = type_name();
  if (type.ends_with(kSuffix)) type.remove_suffix(kSuffix.size());
  return std::string(type);
}

BACKPLANE_REGISTER_ABSTRACT(Accelerator)

}  // namespace backplane
