// SPDX-License-Identifier: MIT
// The reference implementation: executes one instruction at a time in every mode. What the
// translator leaves out, what KVM cannot emulate, and what tests compare with.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "backplane/x86/system.h"
#include "backplane/x86/version.h"

namespace backplane::x86 {

class Interpreter {
 public:
  Interpreter(X86Cpu& cpu, LinearMemory& memory);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  enum class Step {
    Done,       // one instruction (or a bounded part of a repeated one: RIP unchanged)
    Exception,  // it faulted or trapped; the event was delivered: RIP is at the handler
    Halted,     // HLT executed; the caller sets Cpu::halted
    Shutdown,   // triple fault
  };
  // Executes the instruction at state.rip. Never throws. CPU thread, machine lock not held.
  // x87, SSE and AVX instructions are executed on the host processor itself, on the guest's own
  // register values, with memory operands in a bounce buffer.
  Step step();
  // The same for an accelerator that goes on by itself from here: debug traps that step() leaves in
  // the state, of which its processor knows nothing, are delivered, for which another instruction
  // or two may be executed.
  Step step_and_settle();

  // A step is to do one element of a repeated instruction, not several, so that what is between
  // them can be seen. Not while it executes.
  void set_one_element(bool one);

  // How often instructions of one name were begun, a repeated one with each step. The names are
  // mnemonics in lower case, but that moves of control, debug and segment registers are told apart.
  struct Count {
    std::string_view name;
    u64 times;
  };
  // The most frequent first, without those that were not. Any thread: what it says may be a moment
  // old.
  std::vector<Count> counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane::x86
