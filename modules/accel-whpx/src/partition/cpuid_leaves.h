// SPDX-License-Identifier: MIT
// The CPUID leaves that this program answers, or is asked for beforehand; the platform answers the
// others. They show features which are ours to give or to hide. [SDM 2A "CPUID-CPU Identification"]
#pragma once

#include <array>

#include "backplane/types.h"

namespace backplane::whpx {

constexpr u32 kFeatureLeaf = 0x1, kExtendedFeatureLeaf = 0x80000001;
constexpr std::array<u32, 2> kCpuidLeaves = {kFeatureLeaf, kExtendedFeatureLeaf};

}  // namespace backplane::whpx
