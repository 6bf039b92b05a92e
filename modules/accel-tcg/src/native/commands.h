// SPDX-License-Identifier: MIT
// query-native: whether there is a native tier, and what it has done.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "backplane/command.h"
#include "native/tier.h"

namespace backplane::tcg {

// Whose vCPUs may have a native tier: it offers native_commands().
class NativeReporter {
 public:
  // Why there is none, or nullopt.
  virtual std::optional<std::string> no_native_reason() const = 0;
  // The sum over all vCPUs; they may run.
  virtual NativeVcpu::Counters native_counters() const = 0;

 protected:
  ~NativeReporter() = default;
};

std::span<const Command> native_commands();

}  // namespace backplane::tcg
