// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/testing/state_check.h"

namespace backplane::testing {
namespace {

TEST(ScsiState, EveryTypeSaysWhatItsStateIs) {
  EXPECT_EQ(types_without_state(), std::vector<std::string>{});
}

}  // namespace
}  // namespace backplane::testing
