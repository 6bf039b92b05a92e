// SPDX-License-Identifier: MIT
// What real programs and kernels do often neither goes to the interpreter nor costs a save of the
// vector registers: each example runs a thousand times.
#include <gtest/gtest.h>

#include "example_name.h"
#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

struct Example {
  std::string_view text;
  std::vector<u8> code;
  bool needs_avx = false;
};

// RBX is eight bytes before the end of a page.
const Example kExamples[] = {
    {"ldmxcsr [rbx]", {0x0f, 0xae, 0x13}},
    {"vldmxcsr [rbx]", {0xc5, 0xf8, 0xae, 0x13}, true},
    {"vstmxcsr [rbx]", {0xc5, 0xf8, 0xae, 0x1b}, true},
    {"mov ecx, 3; again: loop again", {0xb9, 3, 0, 0, 0, 0xe2, 0xfe}},
    {"xor ecx, ecx; jrcxz behind", {0x31, 0xc9, 0xe3, 0x00}},
    {"xor ecx, ecx; jecxz behind", {0x31, 0xc9, 0x67, 0xe3, 0x00}},
    {"prefetcht0 [rbx]", {0x0f, 0x18, 0x0b}},
    {"prefetchw [rbx]", {0x0f, 0x0d, 0x0b}},
    {"mov rax, [rbx + 5]", {0x48, 0x8b, 0x43, 0x05}},
    {"movups xmm0, [rbx]", {0x0f, 0x10, 0x03}},
    {"vmovups ymm0, [rbx]", {0xc5, 0xfc, 0x10, 0x03}, true},
    {"mov [rbx + 5], rax", {0x48, 0x89, 0x43, 0x05}},
    {"movups [rbx], xmm0", {0x0f, 0x11, 0x03}},
    {"mov [rbx - 70f8h], rax, beside this code", {0x48, 0x89, 0x83, 0x08, 0x8f, 0xff, 0xff}},
    {"mov [rbx - 6ffch], rax, across the end of its page",
     {0x48, 0x89, 0x83, 0x04, 0x90, 0xff, 0xff}},
    {"mov ecx, 100; lea rsi, [rbx - 50]; lea rdi, [rbx + 200]; rep movsb",
     {0xb9, 100, 0, 0, 0, 0x48, 0x8d, 0x73, 0xce, 0x48, 0x8d, 0xbb, 200, 0, 0, 0, 0xf3, 0xa4}},
    {"mov ecx, 9; mov rdi, rbx; rep stosq", {0xb9, 9, 0, 0, 0, 0x48, 0x89, 0xdf, 0xf3, 0x48, 0xab}},
    {"mov ecx, 600; mov rdi, rbx; rep stosq",
     {0xb9, 0x58, 0x02, 0, 0, 0x48, 0x89, 0xdf, 0xf3, 0x48, 0xab}},
    {"rdtscp", {0x0f, 0x01, 0xf9}},
    {"mov eax, 4; xor ecx, ecx; cpuid; lea rbx, [rsp - 64]",
     {0xb8, 4, 0, 0, 0, 0x31, 0xc9, 0x0f, 0xa2, 0x48, 0x8d, 0x5c, 0x24, 0xc0}},
    {"xor eax, eax; mov fs, eax; mov eax, 16; mov ds, eax",
     {0x31, 0xc0, 0x8e, 0xe0, 0xb8, 0x10, 0, 0, 0, 0x8e, 0xd8}},
    {"mov eax, 7; xor edx, edx; xsave64 [rbx + 8]; xrstor64 [rbx + 8]",
     {0xb8, 7, 0, 0, 0, 0x31, 0xd2, 0x48, 0x0f, 0xae, 0x63, 0x08, 0x48, 0x0f, 0xae, 0x6b, 0x08}},
    {"mov rax, cr2", {0x0f, 0x20, 0xd0}},
    {"std; cld", {0xfd, 0xfc}},
    {"rdfsbase rax", {0xf3, 0x48, 0x0f, 0xae, 0xc0}},
    {"wrfsbase rbx", {0xf3, 0x48, 0x0f, 0xae, 0xd3}},
    {"rdgsbase rax", {0xf3, 0x48, 0x0f, 0xae, 0xc8}},
    {"wrgsbase rbx", {0xf3, 0x48, 0x0f, 0xae, 0xdb}},
    {"swapgs", {0x0f, 0x01, 0xf8}},
    {"mov eax, ds", {0x8c, 0xd8}},
    {"mov ax, ds", {0x66, 0x8c, 0xd8}},
    {"mov rax, cr3; mov cr3, rax", {0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8}},
    {"invlpg [rbx]", {0x0f, 0x01, 0x3b}},
    {"mov rax, rsp; push 16; push rax; pushf; push 8; lea rcx, [behind]; push rcx; iretq",
     {0x48, 0x89, 0xe0, 0x6a, 0x10, 0x50, 0x9c, 0x6a, 0x08, 0x48, 0x8d, 0x0d, 3, 0, 0, 0, 0x51,
      0x48, 0xcf}},
};

class Frequent : public ::testing::TestWithParam<Example> {};

TEST_P(Frequent, StaysInTranslatedCode) {
  if (GetParam().needs_avx && !x86::host_cpu_features().avx)
    GTEST_SKIP() << "the host processor has no AVX";
  constexpr u32 kTurns = 1000;
  TranslatedGuest guest;
  guest.state().tsc_valid_until = ~u64{0};
  // mov r8d, kTurns; again: ...; dec r8d; jnz again
  std::vector<u8> code = {0x41, 0xb8, kTurns & 0xff, kTurns >> 8, 0, 0};
  code.insert(code.end(), GetParam().code.begin(), GetParam().code.end());
  code.insert(code.end(), {0x41, 0xff, 0xc8, 0x75, 0});
  code.back() = static_cast<u8>(6 - code.size());
  Registers r{};
  r.gpr[x86::RBX] = guest.arena.middle() - 8;
  r.gpr[x86::RSP] = guest.arena.address(Arena::kSize - 64);
  r.rflags = 2;
  const u32 mxcsr = 0x1f80;
  std::memcpy(r.xsave + 24, &mxcsr, sizeof mxcsr);
  std::memset(guest.arena.data(), 0, Arena::kSize);
  std::memcpy(guest.arena.data() + Arena::kSize / 2 - 8, &mxcsr, sizeof mxcsr);
  const TcgVcpu::Counters before = guest.counters();
  ASSERT_TRUE(guest.run(code, r)) << "fault " << guest.fault().value_or(~0u);
  EXPECT_EQ(r.gpr[x86::R8], 0u);
  // HLT; links and the first access to a page are made once.
  EXPECT_LE(guest.counters().interpreted - before.interpreted, 2u);
  EXPECT_LE(guest.counters().slow_accesses - before.slow_accesses, 8u);
  EXPECT_LE(guest.counters().repetitions - before.repetitions, 2u);
}

void PrintTo(const Example& example, std::ostream* out) { *out << example.text; }

INSTANTIATE_TEST_SUITE_P(Examples, Frequent, ::testing::ValuesIn(kExamples), example_name<Example>);

}  // namespace
}  // namespace backplane::tcg::testing
