// SPDX-License-Identifier: MIT
// Stores whose bytes are in two pages, at every distance from the boundary: the first time one is
// executed it is the interpreter's, and no more than that.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "example_name.h"
#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using By = TranslatedGuest::By;
using Bytes = std::vector<u8>;

struct Store {
  std::string_view text;
  Bytes code;
  unsigned size;  // bytes at [rbx]
  bool needs_avx = false;
  bool interpreted = false;  // each time
};

const Store kStores[] = {
    {"mov [rbx], ax", {0x66, 0x89, 0x03}, 2},
    {"mov [rbx], eax", {0x89, 0x03}, 4},
    {"mov [rbx], rax", {0x48, 0x89, 0x03}, 8},
    {"mov qword [rbx], 11223344h", {0x48, 0xc7, 0x03, 0x44, 0x33, 0x22, 0x11}, 8},
    {"mov [rbx], r10", {0x4c, 0x89, 0x13}, 8},
    {"add [rbx], rax", {0x48, 0x01, 0x03}, 8},
    {"adc [rbx], eax", {0x11, 0x03}, 4},
    {"not qword [rbx]", {0x48, 0xf7, 0x13}, 8},
    {"shl dword [rbx], cl", {0xd3, 0x23}, 4},
    {"xadd [rbx], rax", {0x48, 0x0f, 0xc1, 0x03}, 8},
    {"cmpxchg [rbx], rdx", {0x48, 0x0f, 0xb1, 0x13}, 8},
    {"movnti [rbx], rax", {0x48, 0x0f, 0xc3, 0x03}, 8},
    {"fild qword [rsi]; fistp qword [rbx]", {0xdf, 0x2e, 0xdf, 0x3b}, 8},
    {"fld tbyte [rsi]; fstp tbyte [rbx]", {0xdb, 0x2e, 0xdb, 0x3b}, 10},
    {"movq [rbx], mm0", {0x0f, 0x7f, 0x03}, 8},
    {"movups [rbx], xmm0", {0x0f, 0x11, 0x03}, 16},
    {"vmovups [rbx], ymm0", {0xc5, 0xfc, 0x11, 0x03}, 32, true},
    {"lock add [rbx], rax", {0xf0, 0x48, 0x01, 0x03}, 8, false, true},
    {"xchg [rbx], rax", {0x48, 0x87, 0x03}, 8, false, true},
};

class CrossingStores : public ::testing::TestWithParam<Store> {
 protected:
  static constexpr u64 kBoundary = Arena::kSize / 2, kSource = 1024;
  static constexpr u8 kTurns = 10;

  void SetUp() override {
    if (GetParam().needs_avx && !x86::host_cpu_features().avx)
      GTEST_SKIP() << "the host processor has no AVX";
  }

  struct Outcome {
    Registers registers{};
    Bytes memory;
    bool done = false;
    std::optional<unsigned> fault;
    u64 error = 0, address = 0, end = 0, interpreted = 0, slow = 0;
  };

  // The same store again and again, `stride` bytes on each time. Flags go over it, and others come
  // from it.
  Outcome run(u64 first, u32 stride, By by) {
    const Bytes& store = GetParam().code;
    Bytes code = {0x41, 0xb8, kTurns, 0, 0, 0,  // mov r8d, kTurns
                  0x39, 0xe8};                  // again: cmp eax, ebp
    code.insert(code.end(), store.begin(), store.end());
    const Bytes behind = {0x48,
                          0x11,
                          0xff,  // adc rdi, rdi
                          0x48,
                          0x81,
                          0xc3,  // add rbx, stride
                          static_cast<u8>(stride),
                          static_cast<u8>(stride >> 8),
                          0,
                          0,
                          0x48,
                          0x83,
                          0xc0,
                          0x11,  // add rax, 17
                          0x41,
                          0xff,
                          0xc8,  // dec r8d
                          0x75,
                          0};  // jnz again
    code.insert(code.end(), behind.begin(), behind.end());
    code.back() = static_cast<u8>(6 - code.size());
    for (u64 n = 0; n < Arena::kSize; ++n) guest.arena.data()[n] = static_cast<u8>(n * 7 + n / 256);
    Outcome o;
    Registers& r = o.registers;
    for (unsigned n = 0; n < 16; ++n) r.gpr[n] = 0x0123456789abcdef * (n + 1);
    r.gpr[x86::RBX] = guest.arena.address(first);
    r.gpr[x86::RSI] = guest.arena.address(kSource);
    r.gpr[x86::RSP] = guest.arena.address(2048);
    r.rflags = 2;
    const u16 control_word = 0x37f;
    std::memcpy(r.xsave, &control_word, sizeof control_word);
    const u32 mxcsr = 0x1f80;
    std::memcpy(r.xsave + 24, &mxcsr, sizeof mxcsr);
    for (unsigned n = 0; n < 32; ++n) r.xsave[(n < 16 ? 160 : 560) + n] = static_cast<u8>(n + 1);
    r.xsave[512] = 7;
    const TcgVcpu::Counters before = guest.counters();
    o.done = guest.run(code, r, NativeProcessor::Mode::Long, by);
    o.interpreted = guest.counters().interpreted - before.interpreted;
    o.slow = guest.counters().slow_accesses - before.slow_accesses;
    o.fault = guest.fault();
    if (o.fault) o.error = guest.error_code();
    o.address = guest.state().cr2;
    o.end = guest.end();
    o.memory.assign(guest.arena.data() + 256, guest.arena.data() + Arena::kSize);
    return o;
  }

  void expect_same(const Outcome& found, const Outcome& expected) {
    EXPECT_EQ(found.done, expected.done);
    EXPECT_EQ(found.fault, expected.fault);
    EXPECT_EQ(found.error, expected.error);
    EXPECT_EQ(found.address, expected.address);
    EXPECT_EQ(found.end, expected.end);
    EXPECT_EQ(found.registers.rflags, expected.registers.rflags);
    for (unsigned n = 0; n < 16; ++n)
      EXPECT_EQ(found.registers.gpr[n], expected.registers.gpr[n]) << "register " << n;
    EXPECT_EQ(found.memory == expected.memory, true);
  }

  TranslatedGuest guest;
};

TEST_P(CrossingStores, PutTheBytesIntoBothPages) {
  for (unsigned before = 1; before < GetParam().size; ++before) {
    SCOPED_TRACE(fmt::format("{} bytes before the boundary", before));
    const Outcome expected = run(kBoundary - before, 0, By::Interpreter);
    const Outcome found = run(kBoundary - before, 0, By::Translator);
    expect_same(found, expected);
    EXPECT_TRUE(found.done);
    if (!GetParam().interpreted) {
      EXPECT_LE(found.interpreted, 2u) << "HLT, and the first";
    } else {
      EXPECT_EQ(found.interpreted, kTurns + 1u);
    }
  }
}

// The sixth reaches into a page that cannot be written, after others were done.
TEST_P(CrossingStores, FaultWhereTheSecondPageCannotBeWritten) {
  guest.write_protect(kBoundary + 6 * kPageSize);
  const u64 first = kBoundary - GetParam().size / 2 + kPageSize;
  const Outcome expected = run(first, kPageSize, By::Interpreter);
  const Outcome found = run(first, kPageSize, By::Translator);
  expect_same(found, expected);
  EXPECT_EQ(found.fault, x86::kPFVector);
  EXPECT_EQ(found.address, guest.arena.address(kBoundary + 6 * kPageSize));
}

TEST_P(CrossingStores, FaultWhereTheFirstPageCannotBeWritten) {
  guest.write_protect(kBoundary + 5 * kPageSize);
  const u64 first = kBoundary - GetParam().size / 2 + kPageSize;
  const Outcome expected = run(first, kPageSize, By::Interpreter);
  const Outcome found = run(first, kPageSize, By::Translator);
  expect_same(found, expected);
  EXPECT_EQ(found.fault, x86::kPFVector);
}

void PrintTo(const Store& store, std::ostream* out) { *out << store.text; }

INSTANTIATE_TEST_SUITE_P(Stores, CrossingStores, ::testing::ValuesIn(kStores), example_name<Store>);

}  // namespace
}  // namespace backplane::tcg::testing
