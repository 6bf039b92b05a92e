// SPDX-License-Identifier: MIT
// The CPUID leaves that this program answers; the platform answers the others. They show features
// which are ours to give or to hide, and the topology. [SDM 2A "CPUID-CPU Identification"]
#pragma once

#include <array>

#include "backplane/types.h"

namespace backplane::whpx {

constexpr u32 kFeatureLeaf = 0x1, kExtendedFeatureLeaf = 0x80000001;
// What a platform that cannot ask is told beforehand, the same for all processors.
constexpr std::array<u32, 2> kFixedCpuidLeaves = {kFeatureLeaf, kExtendedFeatureLeaf};
// These say how the processors are made up. [SDM 2A], [APM 3]
constexpr u32 kCacheLeaf = 0x4, kTopologyLeaf = 0xb, kTopologyLeafWithDies = 0x1f,
              kPackageSizeLeaf = 0x80000008, kAmdCacheLeaf = 0x8000001d,
              kAmdTopologyLeaf = 0x8000001e;
constexpr std::array<u32, 8> kCpuidLeaves = {
    kFeatureLeaf,         kCacheLeaf,       kTopologyLeaf, kTopologyLeafWithDies,
    kExtendedFeatureLeaf, kPackageSizeLeaf, kAmdCacheLeaf, kAmdTopologyLeaf};

}  // namespace backplane::whpx
