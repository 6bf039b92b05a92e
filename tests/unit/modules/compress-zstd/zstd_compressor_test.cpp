// SPDX-License-Identifier: MIT
#include "compressor_check.h"

namespace backplane {
namespace {

TEST(ZstdCompressor, GivesBackWhatItTook) {
  testing::check_gives_back_what_it_took(*create_compressor("zstd"));
}

TEST(ZstdCompressor, RefusesAnotherSize) {
  testing::check_refuses_another_size(*create_compressor("zstd"));
}

TEST(ZstdCompressor, BearsDamage) { testing::check_bears_damage(*create_compressor("zstd")); }

}  // namespace
}  // namespace backplane
