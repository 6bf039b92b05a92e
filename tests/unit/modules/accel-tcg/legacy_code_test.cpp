// SPDX-License-Identifier: MIT
// 16- and 32-bit code without paging, as firmware and boot loaders run it: what they do often is
// translated, and does what the interpreter does.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "backplane/testing/test_machine.h"
#include "engine.h"
#include "example_name.h"
#include "translated_guest.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg::testing {
namespace {

constexpr u64 kCodeAt = 0x10000, kDataAt = 0x20000, kExtraAt = 0x28000, kStackAt = 0x30000;
constexpr u64 kTableAt = 0x800, kTableLimit = 0x3f, kCompared = 0x40000;

enum class Bits : u8 { Real16, Flat32 };

class LegacyGuest {
 public:
  LegacyGuest()
      : cpu_(add_cpu()), engine_(machine_.memory(), 16_MiB, options()), vcpu_(engine_, cpu_) {
    machine_.power_on();
    vcpu_.thread_started();
  }

  // Runs code, `offset` behind kCodeAt, until HLT, or an exception, whose handler is one.
  void run(Bits bits, const std::vector<u8>& code, bool translated, u64 offset = 0) {
    u8* const ram = machine_.ram().host();
    engine_.cache.invalidate_locked(ram + kCodeAt + (offset & ~u64{kPageSize - 1}), kPageSize);
    for (u64 n = 0; n < kCompared; ++n) ram[n] = static_cast<u8>(n * 7 + (n >> 8));
    std::memcpy(ram + kCodeAt + offset, code.data(), code.size());
    ram[kCodeAt + offset + code.size()] = 0xf4;
    put_tables(ram);
    X86State& s = cpu_.state();
    s.reset();
    bits == Bits::Real16 ? enter_real_mode(s) : enter_flat_mode(s);
    for (unsigned n = 0; n < 8; ++n) s.gpr[n] = 0x100 * n + 0x40;
    s.gpr[x86::RSP] = (bits == Bits::Real16 ? 0 : kStackAt) + 0x200;
    s.rip = offset + (bits == Bits::Real16 ? 0 : kCodeAt);
    // A breakpoint that is never reached: while there is one nothing is translated.
    s.dr[7] = translated ? 0x400 : 0x401;
    s.dr[0] = 0xfff00000;
    vcpu_.put_state();
    cpu_.set_halted(false);
    Vcpu::Exit exit;
    do exit = vcpu_.run();
    while (exit == Vcpu::Exit::Kicked || exit == Vcpu::Exit::Slice);
    s.dr[7] = 0x400;
  }
  const X86State& state() const { return cpu_.state(); }
  std::vector<u8> memory() { return {machine_.ram().host(), machine_.ram().host() + kCompared}; }
  const TcgVcpu::Counters& counters() const { return vcpu_.counters(); }
  const SoftMmu::Counters& mmu_counters() const { return vcpu_.mmu().counters(); }

 private:
  static TranslatorOptions options() { return TranslatedGuest::default_options(); }
  X86Cpu& add_cpu() {
    machine_.add_cpu(x86::create_cpu(machine_, "max"));
    return static_cast<X86Cpu&>(*machine_.cpus()[0]);
  }
  // Descriptors, and handlers of exceptions of both modes: HLT at the place of the vector's number.
  static void put_tables(u8* ram) {
    const u64 descriptors[] = {0,
                               0x00cf9b000000ffff,   // 08: code of 32 bits
                               0x00cf93000000ffff,   // 10: data
                               0x00009b010000ffff,   // 18: code of 16 bits, at kCodeAt
                               0x000093000000ffff,   // 20: data
                               0x00cf9a000000ffff,   // 28: code that was not used yet
                               0x00cf13000000ffff,   // 30: data that is not present
                               0x00cf9f000000ffff};  // 38: conforming code
    static_assert(sizeof descriptors == kTableLimit + 1);
    std::memcpy(ram + kTableAt, descriptors, sizeof descriptors);
    for (u32 vector = 0; vector < 32; ++vector) {
      const u32 handler = 0x1000 + vector;
      const u64 gate = u64{handler} | 0x08 << 16 | u64{0x8e00} << 32;
      std::memcpy(ram + vector * 4, &handler, 4);
      std::memcpy(ram + kTableAt + 0x100 + vector * 8, &gate, 8);
      ram[handler] = 0xf4;
    }
  }
  static void enter_real_mode(X86State& s) {
    const auto segment = [](u64 base) {
      return x86::Segment{static_cast<u16>(base >> 4), 0x93, 0xffff, base};
    };
    s.cr0 = x86::kCr0ET | x86::kCr0NE;
    for (x86::Segment& each : s.seg) each = segment(kDataAt);
    s.seg[x86::CS] = segment(kCodeAt);
    s.seg[x86::SS] = segment(kStackAt);
    s.seg[x86::ES] = segment(kExtraAt);
    s.idtr = {0x3ff, 0};
    s.gdtr = {kTableLimit, kTableAt};
  }
  static void enter_flat_mode(X86State& s) {
    s.cr0 = x86::kCr0PE | x86::kCr0ET | x86::kCr0NE;
    for (x86::Segment& each : s.seg) each = {0x10, 0xc093, 0xffffffff, 0};
    s.seg[x86::CS] = {0x08, 0xc09b, 0xffffffff, 0};
    s.gdtr = {kTableLimit, kTableAt};
    s.idtr = {0xff, kTableAt + 0x100};
  }

  backplane::testing::TestMachine machine_;
  X86Cpu& cpu_;
  Engine engine_;
  TcgVcpu vcpu_;
};

bool operator==(const x86::Segment& a, const x86::Segment& b) {
  return a.selector == b.selector && a.attributes == b.attributes && a.limit == b.limit &&
         a.base == b.base;
}

struct Example {
  std::string_view text;
  Bits bits;
  std::vector<u8> code;
  // Instructions that go to the interpreter, besides HLT.
  u64 interpreted = 0;
};

constexpr Bits k16 = Bits::Real16, k32 = Bits::Flat32;

const Example kExamples[] = {
    {"16: cmp ax, bx; pushf; popf", k16, {0x39, 0xd8, 0x9c, 0x9d}},
    {"16: cmp ax, bx; pushfd; pop ecx; push ecx; popfd",
     k16,
     {0x39, 0xd8, 0x66, 0x9c, 0x66, 0x59, 0x66, 0x51, 0x66, 0x9d}},
    {"16: push 200h; popf; pushf", k16, {0x68, 0x00, 0x02, 0x9d, 0x9c}},
    {"16: push dword 200000h; popfd; pushfd",
     k16,
     {0x66, 0x68, 0, 0, 0x20, 0, 0x66, 0x9d, 0x66, 0x9c},
     1},
    {"16: push eax; push dword [bx]; pop ecx; pop edx",
     k16,
     {0x66, 0x50, 0x66, 0xff, 0x37, 0x66, 0x59, 0x66, 0x5a}},
    {"16: pop esp", k16, {0x66, 0x5c}, 1},
    {"16: call dword behind; nop; pop eax", k16, {0x66, 0xe8, 1, 0, 0, 0, 0x90, 0x66, 0x58}},
    {"16: call dword, beyond the segment", k16, {0x66, 0xe8, 0, 0, 1, 0}, 1},
    {"16: call dword, before the segment", k16, {0x66, 0xe8, 0, 0xff, 0xff, 0xff}, 1},
    {"16: push dword 8; ret dword", k16, {0x66, 0x6a, 0x08, 0x66, 0xc3, 0xf4, 0xf4, 0xf4}},
    {"16: push dword 10008h; ret dword", k16, {0x66, 0x68, 8, 0, 1, 0, 0x66, 0xc3}, 1},
    {"16: mov eax, 9; call dword eax; inc bx; inc bx",
     k16,
     {0x66, 0xb8, 0x09, 0, 0, 0, 0x66, 0xff, 0xd0, 0x43, 0x43}},
    {"16: mov eax, 10009h; jmp dword eax", k16, {0x66, 0xb8, 0x09, 0, 1, 0, 0x66, 0xff, 0xe0}, 1},
    {"16: mov eax, cs:[2]; mov cs:[80h], eax",
     k16,
     {0x2e, 0x66, 0xa1, 2, 0, 0x2e, 0x66, 0xa3, 0x80, 0}},
    {"32: cmp eax, ebx; pushfd; popfd", k32, {0x39, 0xd8, 0x9c, 0x9d}},
    {"32: cmp eax, ebx; pushf; pop cx; push cx; popf",
     k32,
     {0x39, 0xd8, 0x66, 0x9c, 0x66, 0x59, 0x66, 0x51, 0x66, 0x9d}},
    {"32: pop sp", k32, {0x66, 0x5c}, 1},
    {"16: mov ax, 1234h; mov ds, ax; mov es, ax; mov fs, ax; mov gs, ax; mov bl, [5]",
     k16,
     {0xb8, 0x34, 0x12, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0, 0x8e, 0xe8, 0x8a, 0x1e, 0x05, 0x00}},
    {"16: mov ax, 2000h; mov ss, ax; mov sp, 80h; push ax",
     k16,
     {0xb8, 0x00, 0x20, 0x8e, 0xd0, 0xbc, 0x80, 0x00, 0x50}},
    {"32: mov eax, 20h; mov ds, eax; mov bl, [5]; xor eax, eax; mov es, eax",
     k32,
     {0xb8, 0x20, 0, 0, 0, 0x8e, 0xd8, 0x8a, 0x1d, 5, 0, 0, 0, 0x31, 0xc0, 0x8e, 0xc0}},
    {"32: mov eax, 10h; mov ss, eax; push eax", k32, {0xb8, 0x10, 0, 0, 0, 0x8e, 0xd0, 0x50}},
    {"32: mov eax, 8; mov ss, eax", k32, {0xb8, 0x08, 0, 0, 0, 0x8e, 0xd0}, 1},
    {"32: xor eax, eax; mov ss, eax", k32, {0x31, 0xc0, 0x8e, 0xd0}, 1},
    {"32: mov eax, 4; xor ecx, ecx; cpuid", k32, {0xb8, 4, 0, 0, 0, 0x31, 0xc9, 0x0f, 0xa2}},
    {"16: cli; mov eax, cr0; or al, 1; mov cr0, eax; nop",
     k16,
     {0xfa, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0}},
    {"16: mov eax, cr0; or al, 1; mov cr0, eax; jmp dword 8:10012h; mov ax, 20h; mov ds, ax; hlt",
     k16,
     {0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0x66, 0xea, 0x12, 0,   1,
      0,    0x08, 0,    0xf4, 0xf4, 0x66, 0xb8, 0x20, 0,    0x8e, 0xd8, 0xf4}},
    {"32: jmp 18h:7; mov eax, cr0; and al, 0feh; mov cr0, eax; jmp 1000h:14h; inc ax",
     k32,
     {0xea, 0x07, 0,    0,    0,    0x18, 0, 0x0f, 0x20, 0xc0, 0x24,
      0xfe, 0x0f, 0x22, 0xc0, 0xea, 0x14, 0, 0,    0x10, 0x40}},
    {"16: mov eax, cr0; or al, 2; mov cr0, eax",
     k16,
     {0x0f, 0x20, 0xc0, 0x0c, 0x02, 0x0f, 0x22, 0xc0},
     1},
    {"16: jmp 1000h:5; jmp dword 1000h:0dh",
     k16,
     {0xea, 5, 0, 0, 0x10, 0x66, 0xea, 0x0d, 0, 0, 0, 0, 0x10}},
    {"16: jmp dword 1000h:10000h", k16, {0x66, 0xea, 0, 0, 1, 0, 0, 0x10}, 1},
    {"32: jmp 10h:10007h, data", k32, {0xea, 7, 0, 1, 0, 0x10, 0}, 1},
    {"32: jmp 0bh:10007h, of another level", k32, {0xea, 7, 0, 1, 0, 0x0b, 0}, 1},
    {"32: jmp 40h:10007h, beyond the table", k32, {0xea, 7, 0, 1, 0, 0x40, 0}, 1},
    {"32: jmp 0:10007h, null", k32, {0xea, 7, 0, 1, 0, 0, 0}, 1},
    {"32: jmp 0ch:10007h, of a table that there is not", k32, {0xea, 7, 0, 1, 0, 0x0c, 0}, 1},
    {"32: jmp 28h:10007h, not used yet", k32, {0xea, 7, 0, 1, 0, 0x28, 0}, 1},
    {"32: jmp 30h:10007h, not present", k32, {0xea, 7, 0, 1, 0, 0x30, 0}, 1},
    {"32: jmp 38h:10007h, conforming", k32, {0xea, 7, 0, 1, 0, 0x38, 0}, 1},
    {"32: push 30h; pop ds, not present", k32, {0x6a, 0x30, 0x1f}, 1},
    {"32: mov word [28004h], 30h; mov es, [28004h], not present",
     k32,
     {0x66, 0xc7, 0x05, 4, 0x80, 2, 0, 0x30, 0, 0x8e, 0x05, 4, 0x80, 2, 0},
     1},
    {"32: jmp 18h:10000h, beyond the segment", k32, {0xea, 0, 0, 1, 0, 0x18, 0}, 1},
    {"16: lgdt [20h]; lidt [30h]; lgdt dword [40h]; lidt cs:[2]",
     k16,
     {0x0f, 0x01, 0x16, 0x20, 0, 0x0f, 0x01, 0x1e, 0x30, 0,    0x66,
      0x0f, 0x01, 0x16, 0x40, 0, 0x2e, 0x0f, 0x01, 0x1e, 0x02, 0}},
    {"16: mov bx, 0fffbh; lgdt [bx]", k16, {0xbb, 0xfb, 0xff, 0x0f, 0x01, 0x17}, 1},
    {"32: cmp eax, ebx; lgdt [ebx]; lidt word [ebx + 8]; setz al",
     k32,
     {0x39, 0xd8, 0x0f, 0x01, 0x13, 0x66, 0x0f, 0x01, 0x5b, 0x08, 0x0f, 0x94, 0xc0}},
    {"32: mov eax, cs:[10000h]", k32, {0x2e, 0xa1, 0, 0, 1, 0}, 1},
    {"16: mov eax, ds; mov cx, ss; mov edx, cs",
     k16,
     {0x66, 0x8c, 0xd8, 0x8c, 0xd1, 0x66, 0x8c, 0xca}},
    {"16: mov [10h], es; mov es, [20h]; mov bl, es:[bx]",
     k16,
     {0x8c, 0x06, 0x10, 0, 0x8e, 0x06, 0x20, 0, 0x26, 0x8a, 0x1f}},
    {"16: mov [eax + 24h], ss; mov ss, [eax + 30h]; push ax",
     k16,
     {0x67, 0x8c, 0x50, 0x24, 0x67, 0x8e, 0x50, 0x30, 0x50}},
    {"16: mov bx, 0ffffh; mov [bx], es", k16, {0xbb, 0xff, 0xff, 0x8c, 0x07}, 1},
    {"16: mov bx, 0ffffh; mov es, [bx]", k16, {0xbb, 0xff, 0xff, 0x8e, 0x07}, 1},
    {"16: push ds; push cs; pop es; pop ds", k16, {0x1e, 0x0e, 0x07, 0x1f}},
    {"16: push fs; push gs; pop fs; pop gs", k16, {0x0f, 0xa0, 0x0f, 0xa8, 0x0f, 0xa1, 0x0f, 0xa9}},
    {"16: push dword ds; pop dword es; push ax", k16, {0x66, 0x1e, 0x66, 0x07, 0x50}},
    {"16: push ss; pop ss", k16, {0x16, 0x17}, 1},
    {"16: mov sp, 0; push ds; pop es", k16, {0xbc, 0, 0, 0x1e, 0x07}},
    {"16: push ax; pop word [bx]; push eax; pop dword [bx + 8]",
     k16,
     {0x50, 0x8f, 0x07, 0x66, 0x50, 0x66, 0x8f, 0x47, 0x08}},
    {"16: pop word [esp + 2]", k16, {0x67, 0x8f, 0x44, 0x24, 0x02}, 1},
    {"16: mov bx, 0ffffh; pop word [bx]", k16, {0xbb, 0xff, 0xff, 0x8f, 0x07}, 1},
    {"32: push ds; pop es; push fs; pop gs", k32, {0x1e, 0x07, 0x0f, 0xa0, 0x0f, 0xa9}},
    {"32: push ds; pop eax; push word es; pop dx", k32, {0x1e, 0x58, 0x66, 0x06, 0x66, 0x5a}},
    {"32: push 20h; pop ds; mov bl, [5]", k32, {0x6a, 0x20, 0x1f, 0x8a, 0x1d, 5, 0, 0, 0}},
    {"32: push 8; pop ds", k32, {0x6a, 0x08, 0x1f}, 1},
    {"32: push 0fff8h; pop ds", k32, {0x68, 0xf8, 0xff, 0, 0, 0x1f}, 1},
    {"32: mov [28000h], ds; mov word [28004h], 10h; mov es, [28004h]",
     k32,
     {0x8c, 0x1d, 0,    0x80, 2,    0,    0x66, 0xc7, 0x05, 4, 0x80,
      2,    0,    0x10, 0,    0x8e, 0x05, 4,    0x80, 2,    0}},
    {"32: mov word [28004h], 10h; mov ss, [28004h]; push eax",
     k32,
     {0x66, 0xc7, 0x05, 4, 0x80, 2, 0, 0x10, 0, 0x8e, 0x15, 4, 0x80, 2, 0, 0x50}},
    {"32: push eax; pop [ebp - 20h]; push ecx; pop word [ebp - 18h]; pop dx",
     k32,
     {0x50, 0x8f, 0x45, 0xe0, 0x51, 0x66, 0x8f, 0x45, 0xe8, 0x66, 0x5a}},
};

// Behind the last byte of the segment is no code, and not its first either.
TEST(LegacyCodeAtTheEnd, OfItsSegmentDoesNotGoOnAtTheBeginning) {
  const std::vector<u8> last_ones[] = {
      {0x90},                    // nop
      {0x8e, 0xd8},              // mov ds, ax
      {0x1e},                    // push ds
      {0x07},                    // pop es
      {0x0f, 0x22, 0xc1},        // mov cr0, ecx
      {0x72, 0x80},              // jc, which is not taken
      {0x0f, 0x01, 0x16, 0, 0},  // lgdt [0]
  };
  for (const std::vector<u8>& code : last_ones) {
    LegacyGuest guest;
    const u64 offset = 0x10000 - code.size();
    guest.run(Bits::Real16, code, false, offset);
    const X86State expected = guest.state();
    EXPECT_EQ(expected.rip, 0x1000u + 13 + 1) << "#GP, and HLT";
    for (unsigned turn = 0; turn < 2; ++turn) {
      guest.run(Bits::Real16, code, true, offset);
      EXPECT_EQ(guest.state().rip, expected.rip) << unsigned{code[0]};
      EXPECT_EQ(guest.state().gpr[x86::RSP], expected.gpr[x86::RSP]) << unsigned{code[0]};
    }
  }
}

class LegacyCode : public ::testing::TestWithParam<Example> {};

TEST_P(LegacyCode, DoesWhatTheInterpreterDoes) {
  const Example& example = GetParam();
  LegacyGuest guest;
  guest.run(example.bits, example.code, false);
  const X86State expected = guest.state();
  const std::vector<u8> memory = guest.memory();
  // The second time what is linked, and in the TLB, runs.
  for (const char* turn : {"first", "second"}) {
    SCOPED_TRACE(turn);
    const u64 before = guest.counters().interpreted;
    guest.run(example.bits, example.code, true);
    EXPECT_EQ(guest.counters().interpreted - before, example.interpreted + 1);
    const X86State& state = guest.state();
    for (unsigned n = 0; n < 8; ++n) EXPECT_EQ(state.gpr[n], expected.gpr[n]) << "register " << n;
    EXPECT_EQ(state.rip, expected.rip);
    EXPECT_EQ(state.rflags, expected.rflags);
    EXPECT_EQ(state.cr0, expected.cr0);
    EXPECT_EQ(state.interrupt_shadow, expected.interrupt_shadow);
    for (unsigned n = 0; n < 6; ++n)
      EXPECT_TRUE(state.seg[n] == expected.seg[n]) << "segment register " << n;
    for (const auto table : {&X86State::gdtr, &X86State::idtr}) {
      EXPECT_EQ((state.*table).base, (expected.*table).base);
      EXPECT_EQ((state.*table).limit, (expected.*table).limit);
    }
    EXPECT_TRUE(guest.memory() == memory);
  }
}

void PrintTo(const Example& example, std::ostream* out) { *out << example.text; }

INSTANTIATE_TEST_SUITE_P(Examples, LegacyCode, ::testing::ValuesIn(kExamples),
                         example_name<Example>);

}  // namespace
}  // namespace backplane::tcg::testing
