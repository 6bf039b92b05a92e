// SPDX-License-Identifier: MIT
#include "board/boot_options.h"

#include <gtest/gtest.h>

#include "backplane/error.h"

namespace backplane::pc {
namespace {

TEST(BootOptions, AnOrderHasKnownLettersOnce) {
  for (const char* order : {"", "c", "dc", "ncd", "acd"})
    EXPECT_NO_THROW(BootOptions::check_order(order)) << order;
  for (const char* order : {"x", "cc", "acdn", "C"})
    EXPECT_THROW(BootOptions::check_order(order), Error) << order;
}

}  // namespace
}  // namespace backplane::pc
