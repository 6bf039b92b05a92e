// SPDX-License-Identifier: MIT
// Local vector table entries. [SDM 3A "Local Vector Table"]
#pragma once

#include "backplane/x86/apic.h"

namespace backplane::x86 {

constexpr u32 kLvtMasked = 1u << 16;
enum TimerMode : unsigned { kOneShot = 0, kPeriodic = 1, kTscDeadline = 2 };

constexpr DeliveryMode lvt_delivery_mode(u32 entry) {
  return static_cast<DeliveryMode>((entry >> 8) & 7);
}

}  // namespace backplane::x86
