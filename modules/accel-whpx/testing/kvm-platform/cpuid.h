// SPDX-License-Identifier: MIT
// The CPUID of a virtual processor: what KVM offers, with the leaves that the partition was given.
#pragma once

#include "partition.h"

namespace kvm_platform {

void set_cpuid(const Descriptor& processor, const Partition& partition, u32 index);

}  // namespace kvm_platform
