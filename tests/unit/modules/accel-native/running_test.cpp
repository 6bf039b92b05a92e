// SPDX-License-Identifier: MIT
// What ring 3 does natively, and how it comes back.
#include <cstring>
#include <thread>

#include "backplane/x86/xsave_image.h"
#include "cpuid_faults.h"
#include "native_guest.h"

namespace backplane::native {
namespace {

using namespace x86;

using Running = NativeGuest;

constexpr u8 kSyscall[] = {0x0f, 0x05};

TEST_F(Running, ComputesUntilASystemCall) {
  s.gpr[RBX] = 5;
  // imul rbx, rbx, 7; mov [kData], rbx; syscall
  EXPECT_EQ(
      run({0x48, 0x6b, 0xdb, 0x07, 0x48, 0x89, 0x1c, 0x25, 0x00, 0x00, 0x50, 0x00, 0x0f, 0x05}),
      Left::Instruction);
  EXPECT_EQ(s.rip, kCode + 12);
  EXPECT_EQ(s.gpr[RBX], 35u);
  EXPECT_EQ(data(), 35u);
  EXPECT_EQ(vcpu.counters().lost, 0u);
}

TEST_F(Running, KeepsAllRegisters) {
  for (unsigned n = 0; n < 16; ++n)
    if (n != RSP && n != RCX && n != R11) s.gpr[n] = 0x1111111111111111 * n;
  s.seg[FS].base = 0x123456789000;
  s.seg[GS].base = 0x234567890000;
  s.rflags |= kCF | kZF | kDF;
  for (unsigned n = 0; n < 256; ++n) s.xsave[kXmm + n] = static_cast<u8>(n);
  for (unsigned n = 0; n < 256; ++n) s.xsave[kYmmHigh + n] = static_cast<u8>(n * 3);
  s.xsave[kXstateBv] = 7;
  const u16 control = 0x27f;
  const u32 mxcsr = 0x3f80;
  std::memcpy(s.xsave + kFcw, &control, sizeof control);
  std::memcpy(s.xsave + kMxcsr, &mxcsr, sizeof mxcsr);
  const X86State before = s;
  EXPECT_EQ(run({kSyscall[0], kSyscall[1]}), Left::Instruction);
  for (unsigned n = 0; n < 16; ++n)
    if (n != RCX && n != R11) {
      EXPECT_EQ(s.gpr[n], before.gpr[n]) << "register " << n;
    }
  EXPECT_EQ(s.rip, kCode);
  EXPECT_EQ(s.rflags, before.rflags);
  EXPECT_EQ(s.seg[FS].base, before.seg[FS].base);
  EXPECT_EQ(s.seg[GS].base, before.seg[GS].base);
  EXPECT_EQ(std::memcmp(s.xsave + kXmm, before.xsave + kXmm, 256), 0);
  EXPECT_EQ(std::memcmp(s.xsave + kYmmHigh, before.xsave + kYmmHigh, 256), 0);
  EXPECT_EQ(std::memcmp(s.xsave + kFcw, before.xsave + kFcw, 2), 0);
  EXPECT_EQ(std::memcmp(s.xsave + kMxcsr, before.xsave + kMxcsr, 4), 0);
}

// Whatever the host's kernel does there itself.
TEST_F(Running, LeavesCallsOfTheVsyscallPageToTheCaller) {
  for (const u64 call :
       {u64{0xffffffffff600000}, u64{0xffffffffff600400}, u64{0xffffffffff600800}}) {
    s.gpr[RBX] = call;
    s.gpr[RCX] = 0x1234;
    s.gpr[RDI] = kData;
    s.gpr[RSI] = 0;
    s.gpr[RSP] = kStack;
    // mov rax, [kStack - 8]: so that the stack is mapped; call rbx
    EXPECT_EQ(run({0x48, 0x8b, 0x04, 0x25, 0xf8, 0x0f, 0x50, 0x00, 0xff, 0xd3}), Left::Instruction);
    EXPECT_EQ(s.rip, call);
    EXPECT_EQ(s.gpr[RSP], kStack - 8);
    EXPECT_EQ(s.gpr[RDI], kData);
    EXPECT_EQ(data(kPageSize - 8), kCode + 10) << "the address to return to";
  }
}

TEST_F(Running, LeavesExceptionsToTheCaller) {
  const Bytes examples[] = {
      {0x0f, 0x0b},              // UD2
      {0xf4},                    // HLT
      {0x31, 0xc9, 0xf7, 0xf1},  // XOR ECX, ECX; DIV ECX: the second one faults
      {0xcc},                    // INT3
      {0xcd, 0x03},              // INT 3
      {0xcd, 0x21},              // INT 21h
      {0xf1},                    // INT1
      {0x0f, 0xa2},              // CPUID
      {0xec},                    // IN AL, DX
      {0xfa},                    // CLI
      {0x0f, 0x33},              // RDPMC
      {0x0f, 0x20, 0xc0},        // MOV RAX, CR0
  };
  for (const Bytes& code : examples) {
    const bool banned = code == Bytes{0x0f, 0xa2} && !host_faults_cpuid();
    EXPECT_EQ(run(code), banned ? Left::Unfit : Left::Instruction)
        << ::testing::PrintToString(code);
    EXPECT_EQ(s.rip, kCode + (code[0] == 0x31 ? 2u : 0u)) << ::testing::PrintToString(code);
    EXPECT_EQ(s.cpl(), 3u);
    // Translated code may have been made of it meanwhile; it is looked at again.
    vcpu.invalidations.add_page(kCode);
    map(kCode, kCodePage, kPresent | kUser);
  }
  EXPECT_EQ(vcpu.counters().lost, 0u);
}

// The guest's time-stamp counter is not the host's.
TEST_F(Running, LeavesTheTimeStampCounterToTheTranslator) {
  EXPECT_EQ(run({0x0f, 0x31}), Left::Unfit);
  EXPECT_EQ(s.rip, kCode);
  EXPECT_EQ(run({0x0f, 0x01, 0xf9}), Left::Unfit);
  EXPECT_EQ(s.rip, kCode);
}

TEST_F(Running, HasTheTimeStampCounterTrapWhereItIsReadOften) {
  unsigned translated = 0;
  while (run({0x0f, 0x31}) == Left::Unfit && translated < 10) ++translated;
  EXPECT_GE(translated, 2u);
  EXPECT_LT(translated, 10u);
  EXPECT_EQ(run({0x0f, 0x31}), Left::Instruction);
  EXPECT_EQ(s.rip, kCode);
  EXPECT_EQ(run({0x0f, 0x01, 0xf9}), Left::Instruction);
  EXPECT_EQ(s.rip, kCode);
  EXPECT_EQ(vcpu.counters().stubs, 2u);
}

TEST_F(Running, SetsAccessedAndDirtyBitsAsProcessorsDo) {
  // mov rax, [kData]; syscall
  run({0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x50, 0x00, 0x0f, 0x05});
  EXPECT_NE(entry(kCode) & kAccessed, 0u);
  EXPECT_EQ(entry(kData) & (kAccessed | kDirty), kAccessed);
  // mov [kData], rax; syscall
  run({0x48, 0x89, 0x04, 0x25, 0x00, 0x00, 0x50, 0x00, 0x0f, 0x05});
  EXPECT_EQ(entry(kData) & (kAccessed | kDirty), kAccessed | kDirty);
}

TEST_F(Running, LeavesPageFaultsToTheCaller) {
  // mov [kCode], rax: read-only
  EXPECT_EQ(run({0x48, 0x89, 0x04, 0x25, 0x00, 0x00, 0x40, 0x00}), Left::Instruction);
  EXPECT_EQ(s.rip, kCode);
  // mov rax, [kData + 0x10000]: not present
  EXPECT_EQ(run({0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x51, 0x00}), Left::Instruction);
  EXPECT_EQ(s.rip, kCode);
  // jmp kData: not to be executed
  EXPECT_EQ(run({0xe9, 0xfb, 0xff, 0x0f, 0x00}), Left::Instruction);
  EXPECT_EQ(s.rip, kData);
  // jmp to the kernel's half
  EXPECT_EQ(run({0x48, 0xc7, 0xc0, 0x00, 0x00, 0x00, 0x80, 0xff, 0xe0}), Left::Instruction);
  EXPECT_EQ(s.rip, 0xffffffff80000000);
}

TEST_F(Running, FollowsThePageTables) {
  constexpr u64 kOtherPage = 0x180000;
  machine.memory().store<u64>(kDataPage, 1);
  machine.memory().store<u64>(kOtherPage, 2);
  const Bytes load{0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x50, 0x00, 0x0f, 0x05};
  run(load);
  EXPECT_EQ(s.gpr[RAX], 1u);
  map(kData, kOtherPage, kPresent | kUser | kWritable | kNoExecute | kAccessed);
  vcpu.invalidations.add_page(kData);
  run(load);
  EXPECT_EQ(s.gpr[RAX], 2u);
  map(kData, kDataPage, kPresent | kUser | kAccessed);
  vcpu.invalidations.add_space(s.cr3);
  run(load);
  EXPECT_EQ(s.gpr[RAX], 1u);
  map(kData, 0, 0);
  vcpu.invalidations.add_everything();
  EXPECT_EQ(run(load), Left::Instruction);
  EXPECT_EQ(s.rip, kCode) << "the page is still there";
}

TEST_F(Running, KnowsAnotherProgramByItsCode) {
  // mov rax, [kData]; syscall
  const Bytes load{0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x50, 0x00, 0x0f, 0x05};
  constexpr u64 kPages = 8;
  for (u64 at = 0; at < kPages * kPageSize; at += kPageSize)
    map(kData + at, kDataPage + at, kPresent | kUser | kNoExecute | kAccessed);
  run(load);
  EXPECT_GE(vcpu.counters().pages, kPages);
  // It has freed most of what it had.
  for (u64 at = kPageSize; at < kPages * kPageSize; at += kPageSize) map(kData + at, 0, 0);
  vcpu.invalidations.add_space(s.cr3);
  EXPECT_EQ(run(load), Left::Instruction);
  EXPECT_EQ(vcpu.counters().stubs, 1u);
  constexpr u64 kOther = 0x10a000;
  machine.memory().write(kOther, load.data(), load.size());
  map(kCode, kOther, kPresent | kUser);
  translate(kOther);
  vcpu.invalidations.add_space(s.cr3);
  EXPECT_EQ(run(load), Left::Unfit);
  EXPECT_EQ(vcpu.counters().live_stubs, 0u);
  EXPECT_EQ(run(load), Left::Instruction);
  EXPECT_EQ(vcpu.counters().stubs, 2u);
}

TEST_F(Running, LeavesThePagesOfTheSupervisor) {
  map(kData, kDataPage, kPresent | kWritable | kAccessed);
  EXPECT_EQ(run({0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x50, 0x00, 0x0f, 0x05}), Left::Instruction);
  EXPECT_EQ(s.rip, kCode);
}

TEST_F(Running, WritesToPagesWithCodeOnlyWhenThatIsForgotten) {
  RamBlock& ram = machine.ram();
  ram.page_flags(kDataPage) = RamBlock::kHasCode;
  const Bytes store{0x48, 0x89, 0x04, 0x25, 0x00, 0x00, 0x50, 0x00, 0x0f, 0x05};
  EXPECT_EQ(run(store), Left::Instruction);
  EXPECT_EQ(s.rip, kCode);
  EXPECT_EQ(forgotten, std::vector<const u8*>{ram.host() + kDataPage});
  ram.page_flags(kDataPage) = 0;
  run(store);
  EXPECT_EQ(s.rip, kCode + 8);
  // Code is translated from it.
  ram.page_flags(kDataPage) = RamBlock::kHasCode;
  vcpu.code_marked(ram, kDataPage);
  EXPECT_EQ(run(store), Left::Instruction);
  EXPECT_EQ(s.rip, kCode);
}

TEST_F(Running, ModifiesCodeOfAnotherPage) {
  constexpr u64 kOther = 0x102000;
  map(kCode + kPageSize, kOther, kPresent | kUser | kWritable);
  // mov eax, 7; syscall
  const Bytes other{0xb8, 0x07, 0x00, 0x00, 0x00, 0x0f, 0x05};
  machine.memory().write(kOther, other.data(), other.size());
  // mov byte [the other page + 1], 42; mov rax, the other page; jmp rax
  for (const u8 value : {42, 43}) {
    EXPECT_EQ(run({0xc6, 0x04, 0x25, 0x01, 0x10, 0x40, 0x00, value, 0x48, 0xc7, 0xc0, 0x00, 0x10,
                   0x40, 0x00, 0xff, 0xe0}),
              Left::Instruction);
    EXPECT_EQ(s.rip, kCode + kPageSize) << "before somebody tells of writes to it";
    translate(kOther);
    EXPECT_EQ(vcpu.run(exit_request), Left::Instruction);
    EXPECT_EQ(s.gpr[RAX], value);
    EXPECT_EQ(s.rip, kCode + kPageSize + 5);
    forget(kOther);
  }
}

TEST_F(Running, MakesRoomWhereTheGuestMapsSomethingAmongTheStubsAddresses) {
  EXPECT_EQ(run({0x0f, 0x05}), Left::Instruction);
  const u64 area = vcpu.area_of_current_space();
  machine.memory().store<u64>(kTables + (area >> 39) * 8, 0x20000 | 0x27);
  EXPECT_EQ(run({0x0f, 0x05}), Left::Instruction);
  EXPECT_EQ(vcpu.area_of_current_space(), 0u);
  EXPECT_EQ(run({0x0f, 0x05}), Left::Instruction);
  EXPECT_NE(vcpu.area_of_current_space() >> 39, area >> 39);
  EXPECT_EQ(vcpu.counters().lost, 0u);
}

TEST_F(Running, LooksAtCodeAnewWhenItIsWrittenTo) {
  const Bytes harmless{0x90, 0x90, 0x90, 0x0f, 0x05}, xgetbv{0x0f, 0x01, 0xd0, 0x0f, 0x05};
  for (unsigned n = 0; n < 2; ++n) {
    EXPECT_EQ(run(harmless), Left::Instruction);
    EXPECT_EQ(s.rip, kCode + 3);
    vcpu.code_changed(machine.ram().host() + kCodePage);
    EXPECT_EQ(run(xgetbv), Left::Unfit);
    EXPECT_EQ(s.rip, kCode);
    vcpu.code_changed(machine.ram().host() + kCodePage);
    map(kCode, kCodePage, kPresent | kUser);  // not accessed, so it is looked up
    vcpu.invalidations.add_page(kCode);
  }
}

TEST_F(Running, ExecutesNothingWhoseWritersDoNotTell) {
  run({0x0f, 0x05});
  machine.ram().page_flags(kCodePage) = 0;
  vcpu.code_changed(nullptr);
  EXPECT_EQ(run({0x48, 0xff, 0xc0, 0x0f, 0x05}), Left::Instruction);
  EXPECT_EQ(s.rip, kCode);
}

TEST_F(Running, LeavesWritesToTheirOwnPageToTheTranslator) {
  map(kCode, kCodePage, kPresent | kUser | kWritable);
  // inc rax; mov byte [kCode + 16], 42
  s.gpr[RAX] = 0;
  EXPECT_EQ(run({0x48, 0xff, 0xc0, 0xc6, 0x04, 0x25, 0x10, 0x00, 0x40, 0x00, 0x2a}),
            Left::Instruction);
  EXPECT_EQ(s.rip, kCode + 3);
  EXPECT_EQ(s.gpr[RAX], 1u);
}

TEST_F(Running, StepsWhereTheTrapFlagSaysSo) {
  // pushf; or dword [rsp], 0x100; popf; nop
  EXPECT_EQ(run({0x9c, 0x81, 0x0c, 0x24, 0x00, 0x01, 0x00, 0x00, 0x9d, 0x90, 0x90}),
            Left::Instruction);
  EXPECT_EQ(s.rip, kCode + 10);
  EXPECT_NE(s.debug_traps & kDr6BS, 0u);
  EXPECT_NE(s.rflags & kTF, 0u);
}

TEST_F(Running, StopsWhenItIsKicked) {
  u64* const counter = reinterpret_cast<u64*>(machine.ram().host() + kDataPage);
  std::thread kicker([&] {
    while (__atomic_load_n(counter, __ATOMIC_RELAXED) == 0) std::this_thread::yield();
    exit_request = 1;
    vcpu.kick();
  });
  // inc qword [kData]; jmp
  EXPECT_EQ(run({0x48, 0xff, 0x04, 0x25, 0x00, 0x00, 0x50, 0x00, 0xeb, 0xf6}), Left::Interrupted);
  kicker.join();
  EXPECT_GT(data(), 0u);
  EXPECT_EQ(vcpu.counters().lost, 0u);
}

TEST_F(Running, DoesNotBeginWhenItIsToStop) {
  exit_request = 1;
  s.gpr[RAX] = 0;
  EXPECT_EQ(run({0x48, 0xff, 0xc0, 0x0f, 0x05}), Left::Interrupted);
  EXPECT_EQ(s.gpr[RAX], 0u);
  EXPECT_EQ(s.rip, kCode);
}

TEST_F(Running, LeavesOtherStatesToTheTranslator) {
  const std::function<void(X86State&)> changes[] = {
      [](X86State& state) { state.seg[CS].selector = 0x2b; },
      [](X86State& state) { state.seg[DS].selector = 0x2b; },
      [](X86State& state) { state.rflags |= kTF; },
      [](X86State& state) { state.rflags |= kAC; },
      [](X86State& state) { state.rflags &= ~kIF; },
      [](X86State& state) { state.cr0 |= kCr0TS; },
      [](X86State& state) { state.xcr0 = 3; },
      [](X86State& state) { state.dr[7] = 1; },
      [](X86State& state) { state.interrupt_shadow = kShadowSs; },
      [](X86State& state) { state.seg[SS].attributes &= 0xff9f; },  // ring 0
  };
  const X86State before = s;
  for (const auto& change : changes) {
    s = before;
    change(s);
    EXPECT_EQ(run({0x0f, 0x05}), Left::Unfit);
  }
  EXPECT_EQ(vcpu.counters().entries, 0u);
}

TEST_F(Running, GoesBackTo32BitCodeByAFarJump) {
  // push 0x23; push kCode + 9; retfq; in 32-bit code: inc eax; syscall-like INT 21h
  EXPECT_EQ(run({0x6a, 0x23, 0x68, 0x0a, 0x00, 0x40, 0x00, 0x48, 0xcb, 0x90, 0x40, 0xcd, 0x21}),
            Left::Instruction);
  EXPECT_EQ(s.seg[CS].selector, 0x23);
  EXPECT_FALSE(s.code64());
  EXPECT_EQ(s.rip, kCode + 11);
}

}  // namespace
}  // namespace backplane::native
