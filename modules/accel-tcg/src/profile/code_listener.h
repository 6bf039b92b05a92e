// SPDX-License-Identifier: MIT
// Told of host code that is made, for the host's profilers.
#pragma once

#include <span>
#include <string>

#include "backplane/types.h"

namespace backplane::tcg {

class CodeListener {
 public:
  virtual ~CodeListener() = default;
  // Code was put where it runs. What was told before of the same place is no longer there.
  // CodeCache::lock() held, or before anything runs.
  virtual void code_made(std::span<const u8> code, const std::string& name) = 0;
};

}  // namespace backplane::tcg
