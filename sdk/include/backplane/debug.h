// SPDX-License-Identifier: MIT
// What a debugger asks of a guest's CPUs and of what runs them, whatever the architecture and the
// accelerator.
//
// Addresses are linear: an instruction's is that of its first byte, with the base of its segment
// where there is one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane {

// Bytes whose accesses by instructions are to be seen.
struct Watchpoint {
  u64 address = 0;
  u64 size = 1;  // at least 1
  bool reads = false, writes = false;
  bool operator==(const Watchpoint&) const = default;
};

// Where guest code is to stop, on whichever CPU.
struct DebugPoints {
  std::vector<u64> code;         // before the instruction there
  std::vector<Watchpoint> data;  // behind an instruction that accesses any of the bytes
  bool empty() const { return code.empty() && data.empty(); }
};

// How a CPU is to go on when the machine does.
enum class DebugStep : u8 {
  None,           // as without a debugger
  Instruction,    // by one instruction, before interrupts that wait; a halted CPU takes them
  WithInterrupt,  // by one instruction, or by the delivery of an interrupt that waits
};

// Why a vCPU stopped for a debugger.
struct DebugStop {
  enum class Reason : u8 { Step, Code, Data };
  Reason reason = Reason::Step;
  u64 address = 0;        // Code: of the instruction. Data: an address that was accessed
  Watchpoint watchpoint;  // Data: the one that it hit
};

// What an accelerator can do for a debugger.
struct DebugSupport {
  bool step = false, code = false, data = false;
  // One sentence on what it cannot do, and why; empty if nothing is missing.
  std::string missing;
};

// A register as a debugger shows it. Types and groups are gdb's.
// [GDB "Target Description Format"]
struct DebugRegister {
  std::string_view name;
  u16 bits = 64;
  std::string_view type = "int64";
  std::string_view group = {};
};

// Registers that gdb knows as one of its standard features.
struct DebugFeature {
  std::string_view name;
  std::string_view types = {};  // XML of types that its registers use
  std::span<const DebugRegister> registers;
};

// An architecture's side of debugging a CPU. On the CPU's thread (Cpu::run_on_thread()), outside
// guest code, while what it holds is in the Cpu object (Vcpu::get_state()); who changed something
// has Vcpu::put_state() called.
class DebugTarget {
 public:
  virtual ~DebugTarget() = default;

  // "i386:x86-64": what gdb calls it.
  virtual std::string_view architecture() const = 0;
  // Registers are numbered through all features, from 0.
  virtual std::span<const DebugFeature> features() const = 0;
  // In the guest's byte order; as many bytes as the register has.
  virtual void read(unsigned number, std::span<u8> bytes) const = 0;
  // False if the value is none that the register can have from a debugger; nothing was changed.
  virtual bool write(unsigned number, std::span<const u8> bytes) = 0;

  // Where the next instruction is.
  virtual u64 code_address() const = 0;
  // What a linear address leads to, whatever the CPU's rights; nothing if it is not mapped.
  virtual std::optional<u64> physical(u64 linear) const = 0;
};

}  // namespace backplane
