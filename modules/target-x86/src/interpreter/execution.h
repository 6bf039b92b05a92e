// SPDX-License-Identifier: MIT
// One guest CPU while an instruction executes: operands, addresses, memory and the stack.
#pragma once

#include <cstring>
#include <mutex>

#include "alu.h"
#include "backplane/x86/system.h"
#include "breakpoints.h"
#include "host_atomic.h"
#include "instruction.h"

namespace backplane::x86::interpreter {

// Thrown where an instruction is not begun before an interrupt was served, as if the CPU had halted
// in front of it.
struct StandsStill {};

class Execution {
 public:
  Execution(X86Cpu& cpu, LinearMemory& memory)
      : cpu(cpu), memory(memory), state(cpu.state()), context{cpu, memory} {}

  X86Cpu& cpu;
  LinearMemory& memory;
  X86State& state;
  Context context;

  // How the instruction ended, where that is not simply "done".
  enum class Outcome : u8 { Done, Delivered, Halted };
  Outcome outcome = Outcome::Done;
  u64 next_rip = 0;          // where execution goes on: after the instruction, unless it branches
  bool single_step = false;  // TF was set before the instruction
  bool watching = false;     // breakpoints are enabled
  u64 breakpoints_hit = 0;   // bits of DR6, for data and ports that the instruction touched
  bool one_element_wanted = false;  // by who executes
  bool behind_ss_load = false;      // the instruction is the one that a load of SS protects

  // Takes what depends on the state's mode. Before each instruction.
  void begin() {
    outcome = Outcome::Done;
    code64_ = state.code64();
    checks_alignment_ = (state.cr0 & kCr0AM) != 0 && (state.rflags & kAC) != 0 && state.cpl() == 3;
    privilege = state.cpl() == 3 ? Privilege::User : Privilege::Supervisor;
    single_step = (state.rflags & kTF) != 0;
    watching = breakpoints_enabled(state);
    breakpoints_hit = 0;
    behind_ss_load = state.interrupt_shadow == kShadowSs;
  }
  // A repetition stops after each element, for a debugger to see it.
  bool one_element() const { return single_step || watching || one_element_wanted; }

  Privilege privilege = Privilege::Supervisor;
  bool code64() const { return code64_; }
  unsigned cpl() const { return state.cpl(); }
  bool virtual8086() const { return (state.rflags & kVM) != 0; }

  // After SS was loaded: no interrupt and no debug exception until the next instruction is done.
  // Of several such loads in a row the first one does that.
  void hold_interrupts() {
    if (!behind_ss_load) state.interrupt_shadow = kShadowSs;
  }

  // Takes up the RIP that a control transfer of system.h has set.
  void transferred() { next_rip = state.rip; }

  // #GP(0) unless the privilege level is 0.
  void require_cpl0() const {
    if (cpl() != 0) raise_fault(kGP, 0);
  }
  // #UD in real and virtual-8086 mode.
  void require_protected_mode() const {
    if (!state.protected_mode()) raise_fault(kUD);
  }

  // --- flags ---------------------------------------------------------------------------------
  bool flag(u64 mask) const { return (state.rflags & mask) != 0; }
  void set_flags(u64 mask, u64 value) { state.rflags = (state.rflags & ~mask) | (value & mask); }
  void set_flags(const AluResult& r) { set_flags(r.mask, r.flags); }

  // --- registers -----------------------------------------------------------------------------
  u64 reg(u8 number, unsigned size) const { return state.gpr[number] & mask_of(size); }
  // 32-bit results clear the upper half, smaller ones keep what is above them.
  void set_reg(u8 number, unsigned size, u64 value) {
    if (size >= 4)
      state.gpr[number] = value & mask_of(size);
    else
      state.gpr[number] = (state.gpr[number] & ~mask_of(size)) | (value & mask_of(size));
  }

  // --- addresses -----------------------------------------------------------------------------
  // The offset within its segment that a memory operand names.
  u64 effective_address(const MemoryOperand& m) const {
    u64 a = m.displacement;
    if (m.base != kNoRegister) a += state.gpr[m.base];
    if (m.index != kNoRegister) a += state.gpr[m.index] << m.scale;
    return a & mask_of(m.address_size);
  }
  // The linear address of `size` bytes at an offset, after the checks of the segment's limit and
  // type, or of canonicality, and of alignment where the program asked for it. Raises #GP(0),
  // #SS(0) for the stack segment, or #AC(0).
  u64 linear(u8 segment, u64 offset, unsigned size, bool write) const {
    if (!code64_) return legacy_linear(segment, offset, size, write);
    const u64 address = segment >= FS ? offset + state.seg[segment].base : offset;
    if (!is_canonical(address) || !is_canonical(address + size - 1))
      raise_fault(segment == SS ? kSSVector : kGP, 0);
    if (checks_alignment_) require_alignment(address, size);
    return address;
  }
  u64 linear(const Instruction& i, unsigned size, bool write) const {
    return linear(i.memory.segment, effective_address(i.memory), size, write);
  }
  bool is_canonical(u64 address) const {
    const unsigned unused = (state.cr4 & kCr4LA57) != 0 ? 7 : 16;
    return static_cast<u64>(static_cast<i64>(address << unused) >> unused) == address;
  }

  // --- memory --------------------------------------------------------------------------------
  void read_bytes(u64 address, void* data, unsigned size) {
    memory.read(address, data, size, privilege);
    if (watching) breakpoints_hit |= breakpoint_hits(state, BreakOn::Access, address, size);
  }
  void write_bytes(u64 address, const void* data, unsigned size) {
    memory.write(address, data, size, privilege);
    if (watching) watch_write(address, size);
  }
  u64 read(u64 address, unsigned size) {
    u64 value = 0;
    read_bytes(address, &value, size);
    return value;
  }
  void write(u64 address, unsigned size, u64 value) { write_bytes(address, &value, size); }
  void watch_write(u64 address, unsigned size) {
    breakpoints_hit |= breakpoint_hits(state, BreakOn::Write, address, size) |
                       breakpoint_hits(state, BreakOn::Access, address, size);
  }
  void watch_port(u16 port, unsigned size) {
    if (watching && (state.cr4 & kCr4DE) != 0)
      breakpoints_hit |= breakpoint_hits(state, BreakOn::Port, port, size);
  }
  // Raises #PF as a write of these bytes would: for the first that cannot be written.
  void probe_write(u64 address, unsigned size) {
    memory.check_write(address, privilege);
    const u64 last_page = (address + size - 1) & kPageMask;
    if (last_page != (address & kPageMask)) memory.check_write(last_page, privilege);
  }
  // Replaces the value at an address by compute(value); as one step if `locked`. May call
  // compute several times, the last time for the value that was replaced.
  template <class F>
  void modify(u64 address, unsigned size, bool locked, F&& compute) {
    if (void* host = memory.atomic_pointer(address, size, privilege)) {
      u64 old = load_host(host, size);
      if (!locked)
        store_host(host, size, compute(old));
      else
        while (!compare_exchange_host(host, size, old, compute(old))) {
        }
      if (watching) watch_write(address, size);
      return;
    }
    // Across pages or not RAM: atomic against other such accesses only.
    std::unique_lock guard(split_lock_, std::defer_lock);
    if (locked) guard.lock();
    probe_write(address, size);
    write(address, size, compute(read(address, size)));
  }

  // --- operands ------------------------------------------------------------------------------
  u64 load(const Instruction& i, const Operand& o) {
    switch (o.kind) {
      case OperandKind::Register:
        return (state.gpr[o.reg] >> o.shift) & mask_of(o.size);
      case OperandKind::Memory:
        return read(linear(i, o.size, false), o.size);
      case OperandKind::Immediate:
        return i.immediate;
      case OperandKind::Segment:
        return state.seg[o.reg].selector;
      default:
        return 0;
    }
  }
  // An immediate comes sign-extended: cut to the size of the operation.
  u64 load(const Instruction& i, const Operand& o, unsigned size) {
    return load(i, o) & mask_of(size);
  }
  void store(const Instruction& i, const Operand& o, u64 value) {
    if (o.kind == OperandKind::Memory)
      write(linear(i, o.size, true), o.size, value);
    else
      store_register(o, value);
  }
  void store_register(const Operand& o, u64 value) {
    if (o.shift == 0) return set_reg(o.reg, o.size, value);
    state.gpr[o.reg] = (state.gpr[o.reg] & ~u64{0xff00}) | ((value & 0xff) << 8);
  }
  // operand = compute(operand), atomically with LOCK.
  template <class F>
  void modify(const Instruction& i, const Operand& o, F&& compute) {
    if (o.kind == OperandKind::Memory)
      modify(linear(i, o.size, true), o.size, i.lock, compute);
    else
      store_register(o, compute((state.gpr[o.reg] >> o.shift) & mask_of(o.size)));
  }

  // --- stack ---------------------------------------------------------------------------------
  // Bytes of the stack pointer in use.
  unsigned stack_size() const { return code64_ ? 8 : state.seg[SS].big() ? 4 : 2; }
  u64 stack_pointer() const { return state.gpr[RSP] & mask_of(stack_size()); }
  // RSP as it is when the stack pointer is `value`: what a narrower one leaves out stays.
  u64 rsp_with(u64 value) const {
    const u64 mask = mask_of(stack_size());
    return (state.gpr[RSP] & ~mask) | (value & mask);
  }
  void set_stack_pointer(u64 value) { state.gpr[RSP] = rsp_with(value); }
  void push(u64 value, unsigned size) {
    const u64 sp = (stack_pointer() - size) & mask_of(stack_size());
    write(linear(SS, sp, size, true), size, value);
    set_stack_pointer(sp);
  }
  // What the stack pointer plus `offset` points to; the stack pointer stays.
  u64 peek(u64 offset, unsigned size) {
    const u64 sp = (stack_pointer() + offset) & mask_of(stack_size());
    return read(linear(SS, sp, size, false), size);
  }
  void drop(u64 bytes) { set_stack_pointer(stack_pointer() + bytes); }

  // --- control flow --------------------------------------------------------------------------
  // The target of a near branch as RIP will hold it. Raises #GP(0) if it is not canonical or
  // beyond the code segment's limit.
  u64 checked_target(u64 target, unsigned operand_size) const;
  void branch(u64 target, unsigned operand_size) {
    next_rip = checked_target(target, operand_size);
  }

 private:
  void require_alignment(u64 address, unsigned size) const;
  u64 legacy_linear(u8 segment, u64 offset, unsigned size, bool write) const;

  bool code64_ = false;
  bool checks_alignment_ = false;
  static std::mutex split_lock_;
};

}  // namespace backplane::x86::interpreter
