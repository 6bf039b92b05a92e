// SPDX-License-Identifier: MIT
#include "runtime/fixed_leaves.h"

namespace backplane::tcg {

// Those that are asked for most often come first: caches, by Intel's leaves and by AMD's.
constinit const std::array<FixedLeaves::Known, 14> FixedLeaves::kLeaves = {{
    {0x2, 0, false, {}},
    {0x4, 0, true, {}},
    {0x4, 1, true, {}},
    {0x4, 2, true, {}},
    {0x4, 3, true, {}},
    {0x4, 4, true, {}},
    {0x8000001d, 0, true, {}},
    {0x8000001d, 1, true, {}},
    {0x8000001d, 2, true, {}},
    {0x8000001d, 3, true, {}},
    {0x0, 0, false, {}},
    {0x7, 0, true, {}},
    {0x7, 1, true, {}},
    {0x80000000, 0, false, {}},
}};

FixedLeaves::FixedLeaves(const x86::X86Cpu& cpu) : known_(kLeaves) {
  for (Known& known : known_) known.result = cpu.cpuid(known.leaf, known.subleaf);
}

}  // namespace backplane::tcg
