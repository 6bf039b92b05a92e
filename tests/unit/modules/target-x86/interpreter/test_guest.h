// SPDX-License-Identifier: MIT
// A CPU with an interpreter over an arena, in 64-bit mode unless told otherwise.
// Descriptor tables, a task state segment and exception handlers lie at the arena's end.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "arena.h"
#include "backplane/testing/test_machine.h"
#include "backplane/x86/cpu.h"
#include "backplane/x86/interpreter.h"

namespace backplane::x86::testing {

class TestGuest {
 public:
  explicit TestGuest(std::string_view model = "max");

  // Pages of the arena: code first, then free ones, then what the processor itself looks at.
  static constexpr u64 kData = 4 * kPageSize, kFirstReserved = 11 * kPageSize,
                       kGdt = kFirstReserved, kIdt = 12 * kPageSize, kTask = 13 * kPageSize,
                       kInnerStack = 15 * kPageSize, kHandlers = 15 * kPageSize;
  static constexpr u64 kHandlerSize = 8;

  // Selectors of the descriptor table, and attributes of what they name.
  static constexpr u16 kCode64 = 0x08, kData0 = 0x10, kCode32 = 0x18, kCode16 = 0x20,
                       kUserData = 0x2b, kUserCode64 = 0x33, kUserCode32 = 0x3b;
  static constexpr u16 kAttrCode64 = 0xa09b, kAttrCode32 = 0xc09b, kAttrCode16 = 0x009b,
                       kAttrData = 0xc093, kAttrUser = 0x60;

  // Flat segments over all of the address space, at privilege level 0 or 3, with x87 to AVX
  // usable. RIP is at the arena's start.
  void enter_long_mode(bool user = false);
  // 32-bit code in long mode.
  void enter_compatibility_mode(bool user = false);
  // 32-bit protected mode without paging.
  void enter_protected_mode(bool user = false);
  // 16-bit code with the arena as all of its segments; exceptions through a table at its start.
  void enter_real_mode();

  // Puts code where RIP points.
  void load(std::span<const u8> code);
  // Executes one instruction.
  Interpreter::Step run(std::initializer_list<int> code);
  Interpreter::Step step() { return interpreter->step(); }

  struct Fault {
    int vector = -1;  // none
    u64 error = 0;    // zero where the vector has no error code
    u64 rip = 0;      // that was pushed
  };
  // Executes one instruction in 64-bit mode and says which exception it caused.
  Fault fault(std::initializer_list<int> code);
  // The exception that was delivered last, if RIP is at its handler.
  Fault delivered();

  X86State& state() { return cpu->state(); }
  u64& reg(Gpr n) { return state().gpr[n]; }
  u64 address(u64 offset) const { return arena.address(offset); }
  template <class T>
  T load_value(u64 offset) const {
    T value;
    std::memcpy(&value, arena.data() + offset, sizeof value);
    return value;
  }
  template <class T>
  void store_value(u64 offset, T value) {
    std::memcpy(arena.data() + offset, &value, sizeof value);
  }
  void set_descriptor(u16 selector, u64 base, u32 limit, u16 attributes);

  backplane::testing::TestMachine machine;
  X86Cpu* cpu = nullptr;
  Arena arena;
  ArenaMemory memory{arena};
  std::unique_ptr<Interpreter> interpreter;

 private:
  void set_segments(u16 code_selector, u16 code_attributes, bool user);
  void build_tables(bool wide);
};

}  // namespace backplane::x86::testing
