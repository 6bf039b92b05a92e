// SPDX-License-Identifier: MIT
// Page faults of translated code are those that the interpreter raises, and most need none.
#include <gtest/gtest.h>

#include "example_name.h"
#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using By = TranslatedGuest::By;

struct Access {
  std::string_view text;
  std::vector<u8> code;
  // An exception of another kind would come first, or a part that does not fault.
  bool interpreted = false;
};

// RBX, RSI, RDI and RSP point to the page that faults, RBP to one that does not.
const Access kAccesses[] = {
    {"mov rax, [rbx]", {0x48, 0x8b, 0x03}},
    {"mov [rbx + 4], eax", {0x89, 0x43, 0x04}},
    {"add [rbx], eax", {0x01, 0x03}},
    {"lock xadd [rbx], eax", {0xf0, 0x0f, 0xc1, 0x03}},
    {"cmp byte [rbx + 3], 5", {0x80, 0x7b, 0x03, 0x05}},
    {"bts [rbx], ecx", {0x0f, 0xab, 0x0b}, true},
    {"mov rax, [rbx + 16]; mov rcx, [rbx]", {0x48, 0x8b, 0x43, 0x10, 0x48, 0x8b, 0x0b}},
    {"mov rax, [rbx + 16]; mov [rbx], rcx", {0x48, 0x8b, 0x43, 0x10, 0x48, 0x89, 0x0b}, true},
    {"mov [rbx + 16], rax; mov [rbx + 24], rcx", {0x48, 0x89, 0x43, 0x10, 0x48, 0x89, 0x4b, 0x18}},
    {"push rax; push rcx", {0x50, 0x51}},
    {"pop rax; pop rcx", {0x58, 0x59}},
    {"push [rbx]", {0xff, 0x33}},
    {"call behind", {0xe8, 0, 0, 0, 0}},
    {"ret", {0xc3}},
    {"jmp rbx", {0xff, 0xe3}},
    {"movsb", {0xa4}},
    {"rep movsb", {0xf3, 0xa4}, true},
    {"stosd", {0xab}},
    {"movups xmm0, [rbx]", {0x0f, 0x10, 0x03}},
    {"movups [rbx + 8], xmm0", {0x0f, 0x11, 0x43, 0x08}, true},
    {"movaps xmm0, [rbx + 8]", {0x0f, 0x28, 0x43, 0x08}, true},
    {"fld qword [rbx]", {0xdd, 0x03}, true},
    {"mov rax, [rbx + 0xffc]", {0x48, 0x8b, 0x83, 0xfc, 0x0f, 0, 0}, true},
};

class PageFaults : public ::testing::TestWithParam<Access> {
 protected:
  struct Outcome {
    Registers registers{};
    bool done = false;
    std::optional<unsigned> fault;
    u64 error = 0, address = 0, end = 0, interpreted = 0, slow = 0;
  };

  Outcome run(u64 address, By by) {
    // Flags that the frame has to show: cmp eax, ebp
    std::vector<u8> code = {0x39, 0xe8};
    code.insert(code.end(), GetParam().code.begin(), GetParam().code.end());
    Outcome o;
    for (unsigned n = 0; n < 16; ++n) o.registers.gpr[n] = 0x1000 + n;
    for (const auto reg : {x86::RBX, x86::RSI, x86::RDI, x86::RSP}) o.registers.gpr[reg] = address;
    o.registers.gpr[x86::RCX] = 40;
    o.registers.rflags = 2;
    const u16 control_word = 0x37f;
    std::memcpy(o.registers.xsave, &control_word, sizeof control_word);
    const u32 mxcsr = 0x1f80;
    std::memcpy(o.registers.xsave + 24, &mxcsr, sizeof mxcsr);
    std::memset(guest.arena.data(), 0x11, Arena::kSize);
    guest.state().cr2 = 0;
    const TcgVcpu::Counters before = guest.counters();
    o.done = guest.run(code, o.registers, NativeProcessor::Mode::Long, by);
    o.interpreted = guest.counters().interpreted - before.interpreted;
    o.slow = guest.counters().slow_accesses - before.slow_accesses;
    o.fault = guest.fault();
    if (o.fault) o.error = guest.error_code();
    o.address = guest.state().cr2;
    o.end = guest.end();
    return o;
  }

  void compare(u64 address) {
    const Outcome expected = run(address, By::Interpreter);
    const Outcome found = run(address, By::Translator);
    EXPECT_EQ(found.done, expected.done);
    EXPECT_EQ(found.fault, expected.fault);
    EXPECT_EQ(found.error, expected.error);
    EXPECT_EQ(found.address, expected.address);
    EXPECT_EQ(found.end, expected.end);
    EXPECT_EQ(found.registers.rflags, expected.registers.rflags);
    for (unsigned n = 0; n < 16; ++n)
      EXPECT_EQ(found.registers.gpr[n], expected.registers.gpr[n]) << "register " << n;
    if (found.fault == x86::kPFVector && !GetParam().interpreted) {
      EXPECT_EQ(found.interpreted, 1u) << "beside HLT";
      EXPECT_EQ(found.slow, 0u) << "vector registers were saved";
    }
  }

  TranslatedGuest guest;
};

TEST_P(PageFaults, OfPagesThatAreNotThere) {
  compare(0x70000);
  const Outcome o = run(0x70000, By::Translator);
  ASSERT_TRUE(o.fault);
}

TEST_P(PageFaults, OfReadOnlyPages) {
  constexpr u64 kPage = Arena::kSize / 2;
  guest.write_protect(kPage);
  // Tables on the way to it were used before: else the walk would have to mark them.
  run(guest.arena.address(kPage + 256), By::Interpreter);
  guest.vcpu().mmu().resolve(guest.arena.address(kPage), x86::Access::Read, kMmuKernel);
  compare(guest.arena.address(kPage + 256));
}

TEST_P(PageFaults, OfAddressesThatAreNotCanonical) { compare(0x800000000000); }

void PrintTo(const Access& access, std::ostream* out) { *out << access.text; }

INSTANTIATE_TEST_SUITE_P(Accesses, PageFaults, ::testing::ValuesIn(kAccesses),
                         example_name<Access>);

}  // namespace
}  // namespace backplane::tcg::testing
