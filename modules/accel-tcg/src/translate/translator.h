// SPDX-License-Identifier: MIT
// Turns the guest instructions of a block into host code.
#pragma once

#include "translate/emitter.h"

namespace backplane::tcg {

// One block at a time; CodeCache::lock() held.
class Translator {
 public:
  Translator(CodeCache& cache, const Stubs& stubs, const TranslatorOptions& options)
      : emitter_(cache, stubs, options) {}

  // Makes the block of `code` (as scanned); the caller publishes it.
  Block& translate(const GuestCode& code, const GuestBytes& bytes, Mode mode);

 private:
  Emitter emitter_;
};

}  // namespace backplane::tcg
