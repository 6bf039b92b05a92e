// SPDX-License-Identifier: MIT
// Instructions of kernels do translated what they do in the interpreter, and are translated.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using By = TranslatedGuest::By;
using Mode = NativeProcessor::Mode;
using Bytes = std::vector<u8>;

class SystemInstructions : public ::testing::Test {
 protected:
  struct Outcome {
    Registers registers{};
    u64 kernel_gs = 0;
    x86::Segment segments[6];
    std::optional<unsigned> fault;
    u64 end = 0;
    u64 interpreted = 0;
  };

  void SetUp() override {
    guest.state().cr2 = 0x123456789abcdef0;
    guest.state().tsc_aux = 0xabcdef;
    guest.state().tsc_valid_until = ~u64{0};
    for (unsigned n = 0; n < 16; ++n) start.gpr[n] = random();
    start.gpr[x86::RSP] = guest.arena.address(Arena::kSize - 64);
    start.rflags = 2;
  }

  // Between a comparison and an instruction that reads its flags.
  Outcome run(const Bytes& instruction, By by, Mode mode = Mode::Long) {
    Bytes code = {0x39, 0xd8};  // cmp eax, ebx
    code.insert(code.end(), instruction.begin(), instruction.end());
    code.insert(code.end(), {0x11, 0xed});  // adc ebp, ebp
    Outcome o;
    o.registers = start;
    X86State& s = guest.state();
    s.kernel_gs_base = 0xffff888000001000;
    const u64 before = guest.counters().interpreted;
    // The segment bases are 0 to begin with.
    guest.run(code, o.registers, mode, by);
    o.interpreted = guest.counters().interpreted - before;
    o.fault = guest.fault();
    o.end = guest.end();
    std::copy(std::begin(s.seg), std::end(s.seg), o.segments);
    o.kernel_gs = s.kernel_gs_base;
    return o;
  }

  void compare(const Bytes& instruction, u64 interpreted = 1, Mode mode = Mode::Long) {
    const Outcome expected = run(instruction, By::Interpreter, mode);
    const Outcome found = run(instruction, By::Translator, mode);
    for (unsigned n = 0; n < 16; ++n)
      EXPECT_EQ(found.registers.gpr[n], expected.registers.gpr[n]) << "register " << n;
    EXPECT_EQ(found.registers.rflags, expected.registers.rflags);
    EXPECT_EQ(found.fault, expected.fault);
    EXPECT_EQ(found.end, expected.end);
    for (unsigned n = 0; n < 6; ++n) {
      SCOPED_TRACE(fmt::format("segment {}", n));
      EXPECT_EQ(found.segments[n].selector, expected.segments[n].selector);
      EXPECT_EQ(found.segments[n].attributes, expected.segments[n].attributes);
      EXPECT_EQ(found.segments[n].limit, expected.segments[n].limit);
      EXPECT_EQ(found.segments[n].base, expected.segments[n].base);
    }
    EXPECT_EQ(found.kernel_gs, expected.kernel_gs);
    EXPECT_EQ(found.interpreted, interpreted) << "HLT among them";
  }

  static u8 rex(bool w, unsigned rm) { return static_cast<u8>(0x40 | (w ? 8 : 0) | rm >> 3); }
  static u8 modrm(unsigned reg, unsigned rm) { return static_cast<u8>(0xc0 | reg << 3 | (rm & 7)); }

  TranslatedGuest guest;
  Registers start{};
  std::mt19937_64 random{20261129};
};

TEST_F(SystemInstructions, ReadControlRegisters) {
  for (const unsigned number : {0u, 2u, 3u, 4u})
    for (unsigned to = 0; to < 16; ++to) {
      SCOPED_TRACE(fmt::format("mov r{}, cr{}", to, number));
      compare({rex(false, to), 0x0f, 0x20, modrm(number, to)});
      if (to < 8) compare({0x0f, 0x20, modrm(number, to)}, 1, Mode::Compatibility);
    }
  EXPECT_EQ(run({0x0f, 0x20, modrm(2, x86::RCX)}, By::Translator).registers.gpr[x86::RCX],
            0x123456789abcdef0u);
}

TEST_F(SystemInstructions, ThatReadOtherControlRegistersAreTheInterpreters) {
  for (const unsigned number : {1u, 5u, 7u}) compare({0x0f, 0x20, modrm(number, 1)}, 2);
  compare({0x44, 0x0f, 0x20, modrm(0, 1)}, 2);  // CR8
}

TEST_F(SystemInstructions, ReadSelectors) {
  for (unsigned segment = 0; segment < 6; ++segment)
    for (unsigned to = 0; to < 16; ++to)
      for (const bool wide : {false, true}) {
        SCOPED_TRACE(fmt::format("mov r{}, sreg {}, {}", to, segment, wide ? "wide" : "narrow"));
        compare({rex(wide, to), 0x8c, modrm(segment, to)});
        compare({0x66, rex(wide, to), 0x8c, modrm(segment, to)});
      }
  compare({0x8c, modrm(6, x86::RDX)}, 2);  // no such register
}

TEST_F(SystemInstructions, ReadAndWriteSegmentBases) {
  for (unsigned group = 0; group < 4; ++group)
    for (unsigned reg = 0; reg < 16; ++reg)
      for (const bool wide : {false, true})
        for (const u64 value : {u64{0}, u64{0x00007fffdeadb000}, u64{0xffff8880deadb000}}) {
          SCOPED_TRACE(
              fmt::format("group {}, r{}, {}, {:x}", group, reg, wide ? "wide" : "narrow", value));
          if (reg != x86::RSP) start.gpr[reg] = value;
          // A write, so that a read finds something.
          const Bytes write = {0xf3, 0x48, 0x0f, 0xae, static_cast<u8>(modrm(2 + group % 2, 6))};
          Bytes both = write;
          start.gpr[x86::RSI] = 0xffff800000123000 + value % 0x1000;
          both.insert(both.end(), {0xf3, rex(wide, reg), 0x0f, 0xae, modrm(group, reg)});
          compare(both);
        }
}

TEST_F(SystemInstructions, WriteCanonicalBasesOnly) {
  for (const u64 value : {u64{0x0000800000000000}, u64{0xffff7fffffffffff}, u64{1} << 63})
    for (const unsigned group : {2u, 3u}) {
      start.gpr[x86::RDX] = value;
      compare({0xf3, 0x48, 0x0f, 0xae, modrm(group, x86::RDX)}, 2);
      EXPECT_EQ(guest.fault(), x86::kGP);
      compare({0xf3, 0x0f, 0xae, modrm(group, x86::RDX)});  // its lower half
    }
}

TEST_F(SystemInstructions, LoadSegments) {
  for (const unsigned segment : {0u, 3u, 4u, 5u})
    for (unsigned from = 0; from < 16; ++from) {
      if (from == x86::RSP || from == x86::RSI) continue;
      for (const u16 selector : {0, 1, 2, 3, 0x10, 0x08, 0x13, 0x14, 0x18}) {
        SCOPED_TRACE(fmt::format("mov sreg {}, r{}: {:x}", segment, from, selector));
        // What is above the selector does not count.
        start.gpr[from] = (random() & ~u64{0xffff}) | selector;
        start.gpr[x86::RSI] = 0xffff800000123000;
        // wrfsbase rsi; wrgsbase rsi
        Bytes code = {0xf3, 0x48, 0x0f, 0xae, 0xd6, 0xf3, 0x48, 0x0f, 0xae, 0xde};
        code.insert(code.end(), {rex(from % 2 != 0, from), 0x8e, modrm(segment, from)});
        compare(code, selector < 4 || selector == 0x10 ? 1 : 2);
      }
    }
  // That of the stack holds interrupts back, CS cannot be loaded, and there are no others.
  for (const unsigned segment : {1u, 2u, 6u, 7u}) {
    start.gpr[x86::RDI] = 0x10;
    compare({0x8e, modrm(segment, x86::RDI)}, 2);
  }
}

TEST_F(SystemInstructions, IdentifyTheProcessor) {
  for (const auto& [leaf, known] : std::initializer_list<std::pair<u32, bool>>{{0, true},
                                                                               {1, false},
                                                                               {2, true},
                                                                               {4, true},
                                                                               {6, false},
                                                                               {7, true},
                                                                               {0xd, false},
                                                                               {0xb, false},
                                                                               {0x80000000, true},
                                                                               {0x80000002, false},
                                                                               {0x8000001d, true},
                                                                               {0x40000000, false},
                                                                               {0xffffffff, false}})
    for (const u32 subleaf : {0u, 1u, 2u, 3u}) {
      SCOPED_TRACE(fmt::format("leaf {:x}, {}", leaf, subleaf));
      start.gpr[x86::RAX] = u64{0xabcdef} << 32 | leaf;
      start.gpr[x86::RCX] = u64{0xabcdef} << 32 | subleaf;
      compare({0x0f, 0xa2}, known && (leaf != 7 || subleaf < 2) ? 1 : 2);
    }
}

TEST_F(SystemInstructions, ReadTheTimeWithTheProcessorsNumber) {
  const Bytes rdtscp = {0x0f, 0x01, 0xf9};
  const auto time = [](const Outcome& o) {
    EXPECT_EQ(o.registers.gpr[x86::RAX] >> 32, 0u);
    EXPECT_EQ(o.registers.gpr[x86::RDX] >> 32, 0u);
    EXPECT_EQ(o.registers.gpr[x86::RCX], 0xabcdefu);
    return o.registers.gpr[x86::RDX] << 32 | o.registers.gpr[x86::RAX];
  };
  const Outcome first = run(rdtscp, By::Translator);
  EXPECT_EQ(first.interpreted, 1u);
  const Outcome second = run(rdtscp, By::Translator);
  EXPECT_EQ(second.interpreted, 1u);
  EXPECT_GT(time(second), time(first));
  // Where the counter may have to be held back, the interpreter asks for it.
  guest.state().tsc_valid_until = 0;
  const Outcome held = run(rdtscp, By::Translator);
  EXPECT_EQ(held.interpreted, 2u);
  time(held);
}

// To where it is, with flags that are pushed: xor ecx, eax; push rcx
TEST_F(SystemInstructions, ReturnFromInterrupts) {
  const auto returning = [](u8 code_segment, u8 stack_segment) {
    return Bytes{0x48, 0x89,          0xe0,                 // mov rax, rsp
                 0x6a, stack_segment,                       // push
                 0x50,                                      // push rax
                 0x9c,                                      // pushf
                 0x48, 0x31,          0x34, 0x24,           // xor [rsp], rsi
                 0x6a, code_segment,                        // push
                 0x48, 0x8d,          0x0d, 3,    0, 0, 0,  // lea rcx, [behind]
                 0x51,                                      // push rcx
                 0x48, 0xcf};                               // iretq
  };
  for (const u64 flags :
       {u64{0}, x86::kCF | x86::kZF | x86::kDF, u64{x86::kRF}, u64{x86::kAC}, u64{x86::kIOPL}}) {
    SCOPED_TRACE(fmt::format("flags {:x}", flags));
    start.gpr[x86::RSI] = flags;
    compare(returning(0x08, 0x10));
    compare(returning(0x08, 0));        // a null stack segment
    compare(returning(0x08, 3), 2);     // of another privilege level
    compare(returning(0x10, 0x10), 2);  // no code
    compare(returning(0x18, 0x10), 2);  // beyond the table
  }
  start.gpr[x86::RSI] = x86::kNT;
  compare(returning(0x08, 0x10), 2);
  EXPECT_FALSE(guest.fault());
}

TEST_F(SystemInstructions, SwitchAddressSpaces) {
  const u64 cr3 = guest.state().cr3;
  for (unsigned from = 0; from < 16; ++from) {
    if (from == x86::RSP) continue;
    // mov cr3, from; mov rsi, [rbx]
    start.gpr[from] = 0x10000;
    start.gpr[x86::RBX] = guest.arena.middle();
    if (from == x86::RBX) continue;
    compare({rex(false, from), 0x0f, 0x22, modrm(3, from), 0x48, 0x8b, 0x33});
  }
  EXPECT_EQ(guest.state().cr3 | cr3, guest.state().cr3);
  // Reserved bits.
  start.gpr[x86::RDX] = u64{1} << 62;
  compare({0x0f, 0x22, modrm(3, x86::RDX)}, 2);
  EXPECT_EQ(guest.fault(), x86::kGP);
}

TEST_F(SystemInstructions, InvalidatePages) {
  for (const u64 address : {guest.arena.middle(), guest.arena.address(), u64{0x5000}}) {
    start.gpr[x86::RBX] = address;
    // invlpg [rbx]; mov rsi, [rsp]
    compare({0x0f, 0x01, 0x3b, 0x48, 0x8b, 0x34, 0x24});
  }
  start.gpr[x86::RBX] = u64{1} << 62;  // does nothing
  compare({0x0f, 0x01, 0x3b}, 2);
}

// Two groups of accesses, one of which has its host address in each scratch register.
TEST_F(SystemInstructions, LeaveAddressesThatWereCheckedAlone) {
  const Bytes loads = {0x48, 0x8b, 0x03,                             // mov rax, [rbx]
                       0x48, 0x8b, 0x0e};                            // mov rcx, [rsi]
  const Bytes more = {0x48, 0x8b, 0x53, 0x08,                        // mov rdx, [rbx + 8]
                      0x48, 0x8b, 0x7e, 0x08};                       // mov rdi, [rsi + 8]
  for (const Bytes& between : {Bytes{0x0f, 0x01, 0xf8},              // swapgs
                               Bytes{0x0f, 0x20, 0xd5},              // mov rbp, cr2
                               Bytes{0xf3, 0x48, 0x0f, 0xae, 0xd5},  // wrfsbase rbp
                               Bytes{0x41, 0x8c, 0xd2}}) {           // mov r10d, ss
    SCOPED_TRACE(fmt::format("{:02x}", fmt::join(between, " ")));
    start.gpr[x86::RBX] = guest.arena.middle();
    start.gpr[x86::RSI] = guest.arena.middle() + 64;
    start.gpr[x86::RBP] = 0x1000;
    for (u64 n = 0; n < 128; ++n)
      guest.arena.data()[Arena::kSize / 2 + n] = static_cast<u8>(n * 7 + 1);
    Bytes code = loads;
    code.insert(code.end(), between.begin(), between.end());
    code.insert(code.end(), more.begin(), more.end());
    compare(code);
  }
}

}  // namespace
}  // namespace backplane::tcg::testing
