// SPDX-License-Identifier: MIT
#include "backplane/compressor.h"

#include "compressor_check.h"

namespace backplane {
namespace {

TEST(Compressor, ZlibGivesBackWhatItTook) {
  testing::check_gives_back_what_it_took(*create_compressor("zlib"));
}

TEST(Compressor, ZlibRefusesAnotherSize) {
  testing::check_refuses_another_size(*create_compressor("zlib"));
}

TEST(Compressor, ZlibBearsDamage) { testing::check_bears_damage(*create_compressor("zlib")); }

TEST(Compressor, OneThatNothingHasIsAnError) {
  try {
    create_compressor("nonsense");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "nonsense: no installed module has such a compressor; there are: zlib, zstd");
  }
}

}  // namespace
}  // namespace backplane
