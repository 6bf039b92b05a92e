// SPDX-License-Identifier: MIT
// Loads whose bytes are in two pages, at every distance from the boundary.
#include <gtest/gtest.h>

#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

struct Load {
  std::string_view text;
  std::vector<u8> code;
  unsigned size;  // bytes at [rbx]
  bool needs_avx = false;
};

const Load kLoads[] = {
    {"mov ax, [rbx]", {0x66, 0x8b, 0x03}, 2},
    {"mov eax, [rbx]", {0x8b, 0x03}, 4},
    {"add rax, [rbx]", {0x48, 0x03, 0x03}, 8},
    {"fld tbyte [rbx]; fstp tbyte [rsi]", {0xdb, 0x2b, 0xdb, 0x3e}, 10},
    {"movups xmm0, [rbx]", {0x0f, 0x10, 0x03}, 16},
    {"vmovups ymm0, [rbx]", {0xc5, 0xfc, 0x10, 0x03}, 32, true},
};

class CrossingLoads : public ::testing::TestWithParam<Load> {};

TEST_P(CrossingLoads, GetTheBytesOfBothPages) {
  const Load& load = GetParam();
  if (load.needs_avx && !x86::host_cpu_features().avx)
    GTEST_SKIP() << "the host processor has no AVX";
  TranslatedGuest guest;
  constexpr u64 kBoundary = Arena::kSize / 2, kResult = kBoundary + 1024;
  for (unsigned before = 1; before < load.size; ++before) {
    SCOPED_TRACE(fmt::format("{} bytes before the boundary", before));
    std::memset(guest.arena.data(), 0, Arena::kSize);
    for (u64 n = 0; n < 128; ++n)
      guest.arena.data()[kBoundary - 64 + n] = static_cast<u8>(0x80 + n);
    Registers start{};
    start.gpr[x86::RBX] = guest.arena.address(kBoundary - before);
    start.gpr[x86::RSI] = guest.arena.address(kResult);
    start.gpr[x86::RAX] = 0x1111111111111111;
    start.rflags = 2;
    const u16 control_word = 0x37f;
    std::memcpy(start.xsave, &control_word, sizeof control_word);
    const u32 mxcsr = 0x1f80;
    std::memcpy(start.xsave + 24, &mxcsr, sizeof mxcsr);
    Registers expected = start, found = start;
    ASSERT_TRUE(guest.run(load.code, expected, NativeProcessor::Mode::Long,
                          TranslatedGuest::By::Interpreter));
    const std::vector<u8> memory(guest.arena.data(), guest.arena.data() + Arena::kSize);
    std::memset(guest.arena.data() + kResult, 0, 16);
    const u64 interpreted = guest.counters().interpreted;
    ASSERT_TRUE(guest.run(load.code, found));
    EXPECT_EQ(guest.counters().interpreted - interpreted, 1u) << "beside HLT";
    EXPECT_EQ(found.gpr[x86::RAX], expected.gpr[x86::RAX]);
    EXPECT_EQ(std::memcmp(found.xsave + 160, expected.xsave + 160, 16), 0) << "XMM0";
    EXPECT_EQ(std::memcmp(found.xsave + 576, expected.xsave + 576, 16), 0) << "YMM0";
    EXPECT_EQ(
        std::memcmp(memory.data() + kBoundary - 128, guest.arena.data() + kBoundary - 128, 2048), 0)
        << "memory";
  }
}

std::string test_name(const ::testing::TestParamInfo<Load>& info) {
  return fmt::format("Of{}BytesBy{}", info.param.size, info.index);
}
void PrintTo(const Load& load, std::ostream* out) { *out << load.text; }

INSTANTIATE_TEST_SUITE_P(Loads, CrossingLoads, ::testing::ValuesIn(kLoads), test_name);

}  // namespace
}  // namespace backplane::tcg::testing
