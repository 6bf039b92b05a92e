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

  // Why there is none, or none that this host can use, or nullopt. The first time, it is tried.
  std::optional<std::string> unusable_reason() const;

 private:
  mutable std::optional<std::optional<std::string>> tried_;
};

// `unfit`: why a machine that is run as this one can have none. Loads the module that has it. If
// there may be none, whether the host can use it shows when a guest first has use for it: most that
// end soon have none. Throws Error if there has to be one, and it cannot be.
NativeChoice choose_native_tier(OnOffAuto wanted, const std::optional<std::string>& unfit);

// Whether there is one that this host can use, in a few words.
std::string describe_native_tier();

// The part of a CPU's, or null. As above.
std::unique_ptr<NativeVcpu> create_native_vcpu(OnOffAuto wanted, NativeChoice& choice, X86Cpu& cpu,
                                               AddressSpace& memory,
                                               const NativeTier::Options& options);

}  // namespace backplane::tcg
