// SPDX-License-Identifier: MIT
// The table of CPU features: their names on the command line, their CPUID bits, the models that
// have them, and what they depend on.
#pragma once

#include <bitset>
#include <span>
#include <string_view>

#include "backplane/x86/cpu.h"

namespace backplane::x86 {

// Registers of CPUID that hold feature bits.
enum class FeatureWord : u8 {
  Leaf1Ecx,
  Leaf1Edx,
  Leaf6Eax,
  Leaf7Ebx,
  Leaf7Ecx,
  Leaf7Edx,
  Leaf7Sub1Eax,
  LeafDSub1Eax,
  Leaf80000001Ecx,
  Leaf80000001Edx,
  Leaf80000007Edx,
  Count
};

// The first model that has a feature. Each model has what those before it have.
enum class Level : u8 { V1 = 1, V2 = 2, V3 = 3, Max = 4 };

struct Feature {
  std::string_view name;
  FeatureWord word;
  u8 bit;
  Level level;
  bool needs_host;  // user-level instructions, which run on the host processor itself
  bool X86Cpu::Features::*member;  // null: nothing but CPUID depends on it
  std::string_view requires_name;  // another feature without which this one is not offered
};

std::span<const Feature> all_features();
constexpr std::size_t kFeatureCount = 78;
using FeatureSet = std::bitset<kFeatureCount>;

// The index of a name in all_features(), or -1. "sse4_1", "sse4.1" and "sse4-1" are the same.
int find_feature(std::string_view name);

// Which features the host processor (and its operating system, for AVX) provides.
const FeatureSet& host_features();

// Drops from `set` what lacks something it depends on.
void drop_unsupported_dependents(FeatureSet& set);

// The bits of one word that are in `set`.
u32 feature_word(const FeatureSet& set, FeatureWord word);

// What `set` means to those who ask whether an instruction exists.
X86Cpu::Features features_of(const FeatureSet& set);

}  // namespace backplane::x86
