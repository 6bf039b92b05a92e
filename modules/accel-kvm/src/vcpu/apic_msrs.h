// SPDX-License-Identifier: MIT
// MSRs that our local APIC serves, and that KVM is told to pass on. (Without a local APIC of its own
// KVM refuses the x2APIC's registers, so those come to us as well.)
#pragma once

#include "backplane/types.h"

namespace backplane::kvm {

constexpr u32 kApicBaseMsr = 0x1b;
constexpr u32 kTscDeadlineMsr = 0x6e0;

}  // namespace backplane::kvm
