// SPDX-License-Identifier: MIT
// -accel tcg,native=: which native tier a machine gets.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backplane/property.h"
#include "native/tier.h"

namespace backplane::tcg {

struct NativeChoice {
  std::unique_ptr<NativeTier> tier;  // null: none, for this reason
  std::string reason;
};

// `unfit`: why a machine that is run as this one can have none. Loads the module that has it.
// Throws Error if there has to be one, and it cannot be.
NativeChoice choose_native_tier(OnOffAuto wanted, const std::optional<std::string>& unfit);

// Whether there is one that this host can use, in a few words.
std::string describe_native_tier();

// The part of a CPU's, or null. As above.
std::unique_ptr<NativeVcpu> create_native_vcpu(OnOffAuto wanted, NativeChoice& choice, X86Cpu& cpu,
                                               AddressSpace& memory,
                                               const NativeTier::Options& options);

}  // namespace backplane::tcg
