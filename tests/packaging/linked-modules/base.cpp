// SPDX-License-Identifier: MIT
#include "base.h"

void Base::class_init(backplane::ObjectClass&) {}
int Base::answer() const { return 1; }

BACKPLANE_REGISTER(Base, .description = "what others derive from")
BACKPLANE_MODULE("base", "1.0")
