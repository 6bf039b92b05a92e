// SPDX-License-Identifier: MIT
// A CPU of model "max" with an interpreter over an arena, in 64-bit mode unless told otherwise.
#pragma once

#include <initializer_list>
#include <span>

#include "arena.h"
#include "backplane/testing/test_machine.h"
#include "backplane/x86/cpu.h"
#include "backplane/x86/interpreter.h"

namespace backplane::x86::testing {

class TestGuest {
 public:
  TestGuest() {
    machine.add_cpu(create_cpu(machine, "max"));
    cpu = static_cast<X86Cpu*>(machine.cpus().front());
    interpreter = std::make_unique<Interpreter>(*cpu, memory);
    enter_long_mode();
  }

  static constexpr u64 kCodeOffset = 0;
  static constexpr u16 kCode = 0xa09b, kData = 0xc093, kUser = 0x60;  // attributes

  // Flat segments of all address space, at privilege level 0 or 3, x87 to AVX usable.
  void enter_long_mode(bool user = false) {
    X86State& s = state();
    s.cr0 = kCr0PE | kCr0PG | kCr0ET | kCr0NE | kCr0MP;
    s.cr4 = kCr4PAE | kCr4OSFXSR | kCr4OSXMMEXCPT | kCr4OSXSAVE;
    s.efer = kEferLME | kEferLMA | kEferSCE;
    s.xcr0 = 7;
    set_segments(kCode, user);
    s.rip = arena.address(kCodeOffset);
    s.gpr[RSP] = arena.address(Arena::kSize - 256);
    s.rflags = 2;
  }
  // 32-bit code in long mode.
  void enter_compatibility_mode(bool user = false) {
    enter_long_mode();
    set_segments(0xc09b, user);
  }
  // 32-bit protected mode without paging.
  void enter_protected_mode(bool user = false) {
    enter_long_mode();
    X86State& s = state();
    s.cr0 &= ~kCr0PG;
    s.efer = 0;
    set_segments(0xc09b, user);
  }
  // 16-bit real mode, its segments at the start of the arena.
  void enter_real_mode() {
    enter_long_mode();
    X86State& s = state();
    s.cr0 = kCr0ET | kCr0NE;
    s.efer = 0;
    for (Segment& segment : s.seg) segment = {0, 0x93, 0xffff, arena.address()};
    s.rip = kCodeOffset;
    s.gpr[RSP] = 0x8000;
  }

  // Puts code where RIP points.
  void load(std::span<const u8> code) {
    const u64 at = state().code64() ? state().rip : state().seg[CS].base + state().rip;
    std::memcpy(reinterpret_cast<void*>(at), code.data(), code.size());
  }
  Interpreter::Step run(std::initializer_list<int> code) {
    std::vector<u8> bytes;
    for (int b : code) bytes.push_back(static_cast<u8>(b));
    load(bytes);
    return interpreter->step();
  }

  X86State& state() { return cpu->state(); }
  u64& reg(Gpr n) { return state().gpr[n]; }

  backplane::testing::TestMachine machine;
  X86Cpu* cpu = nullptr;
  Arena arena;
  ArenaMemory memory{arena};
  std::unique_ptr<Interpreter> interpreter;

 private:
  void set_segments(u16 code, bool user) {
    const u16 dpl = user ? kUser : 0;
    for (Segment& segment : state().seg)
      segment = {static_cast<u16>(user ? 0x2b : 0x10), static_cast<u16>(kData | dpl), 0xffffffff,
                 0};
    state().seg[CS] = {static_cast<u16>(user ? 0x33 : 0x08), static_cast<u16>(code | dpl),
                       0xffffffff, 0};
  }
};

}  // namespace backplane::x86::testing
