// SPDX-License-Identifier: MIT
// What is the same for all blocks that an accelerator translates.
#pragma once

#include "translate/guest_code.h"

namespace backplane::tcg {

struct TranslatorOptions {
  ScanLimits limits;
  bool count_instructions = false;
  bool several_vcpus = false;
  bool bmi2 = false;  // of the host
  // What the host can run and every guest CPU offers.
  FeatureMask features;
};

}  // namespace backplane::tcg
