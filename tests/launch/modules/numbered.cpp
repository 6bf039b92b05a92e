// SPDX-License-Identifier: MIT
// The module of which tests make thousands: each copy has another number in the place of 00000. It
// says so if it is loaded.
#include <cstdio>

#include "backplane/device.h"

using namespace backplane;

namespace {

struct Loaded {
  Loaded() { std::fputs("numbered-00000 runs\n", stderr); }
} loaded;

class Numbered final : public Device {};

}  // namespace

BACKPLANE_MODULE("numbered-00000", "1.0", "One of many")
BACKPLANE_TYPE(Numbered, "device-00000", .description = "One of many")
