// SPDX-License-Identifier: MIT
// Control and debug registers, MSRs, system calls, CPUID, time, caches, fences, hints, HLT.
#include "execution.h"
#include "handlers.h"
#include "moves.h"

namespace backplane::x86::interpreter {

void move_control(Execution& x, const Instruction& i) {
  const bool to_control = i.operand[0].kind == OperandKind::Control;
  const unsigned number = i.operand[to_control ? 0 : 1].reg;
  if (number != 0 && number != 2 && number != 3 && number != 4 && number != 8) raise_fault(kUD);
  x.require_cpl0();
  if (to_control)
    write_cr(x.context, number, x.load(i, i.operand[1]));
  else
    x.store_register(i.operand[0], read_cr(x.context, number));
}

void move_debug(Execution& x, const Instruction& i) {
  const bool to_debug = i.operand[0].kind == OperandKind::Debug;
  const unsigned number = i.operand[to_debug ? 0 : 1].reg;
  if (number > 7) raise_fault(kUD);
  x.require_cpl0();
  if (to_debug)
    write_dr(x.context, number, x.load(i, i.operand[1]));
  else
    x.store_register(i.operand[0], read_dr(x.context, number));
}

namespace {

constexpr u64 kCr0MachineStatus = kCr0PE | kCr0MP | kCr0EM | kCr0TS;

void clear_task_switched(Execution& x, const Instruction&) {
  x.require_cpl0();
  write_cr(x.context, 0, x.state.cr0 & ~kCr0TS);
}

// LMSW can set PE but not clear it.
void load_machine_status(Execution& x, const Instruction& i) {
  x.require_cpl0();
  const u64 value = x.load(i, i.operand[0]) | (x.state.cr0 & kCr0PE);
  write_cr(x.context, 0, (x.state.cr0 & ~kCr0MachineStatus) | (value & kCr0MachineStatus));
}

void store_machine_status(Execution& x, const Instruction& i) {
  if ((x.state.cr4 & kCr4UMIP) != 0) x.require_cpl0();
  x.store(i, i.operand[0], x.state.cr0);
}

void set_pair(Execution& x, u64 value) {  // EDX:EAX
  x.set_reg(RAX, 4, value);
  x.set_reg(RDX, 4, value >> 32);
}

u64 pair(const Execution& x) { return (x.reg(RDX, 4) << 32) | x.reg(RAX, 4); }

void read_model_register(Execution& x, const Instruction&) {
  x.require_cpl0();
  set_pair(x, read_msr(x.context, static_cast<u32>(x.state.gpr[RCX])));
}

void write_model_register(Execution& x, const Instruction&) {
  x.require_cpl0();
  write_msr(x.context, static_cast<u32>(x.state.gpr[RCX]), pair(x));
}

void require_xsave(const Execution& x) {
  if ((x.state.cr4 & kCr4OSXSAVE) == 0) raise_fault(kUD);
}

// XGETBV: XCR0, and with XGETBV1 the components of XCR0 that are in use.
void get_extended_control(Execution& x, const Instruction&) {
  require_xsave(x);
  switch (static_cast<u32>(x.state.gpr[RCX])) {
    case 0:
      return set_pair(x, x.state.xcr0);
    case 1: {
      if (!x.cpu.features().xgetbv1) raise_fault(kGP, 0);
      u64 in_use = 0;
      std::memcpy(&in_use, x.state.xsave + 512, sizeof in_use);
      return set_pair(x, in_use & x.state.xcr0);
    }
    default:
      raise_fault(kGP, 0);
  }
}

void set_extended_control(Execution& x, const Instruction&) {
  require_xsave(x);
  x.require_cpl0();
  if (static_cast<u32>(x.state.gpr[RCX]) != 0) raise_fault(kGP, 0);
  write_xcr0(x.context, pair(x));
}

void identify(Execution& x, const Instruction&) {
  const CpuidResult r =
      x.cpu.cpuid(static_cast<u32>(x.state.gpr[RAX]), static_cast<u32>(x.state.gpr[RCX]));
  x.set_reg(RAX, 4, r.eax);
  x.set_reg(RBX, 4, r.ebx);
  x.set_reg(RCX, 4, r.ecx);
  x.set_reg(RDX, 4, r.edx);
}

void require_time_access(const Execution& x) {
  if ((x.state.cr4 & kCr4TSD) != 0) x.require_cpl0();
}

void read_time_stamp(Execution& x, const Instruction&) {
  require_time_access(x);
  set_pair(x, x.cpu.read_tsc());
}

void read_time_stamp_and_processor(Execution& x, const Instruction&) {
  require_time_access(x);
  set_pair(x, x.cpu.read_tsc());
  x.set_reg(RCX, 4, x.state.tsc_aux);
}

void read_processor(Execution& x, const Instruction& i) {
  x.store_register(i.operand[0], x.state.tsc_aux & 0xffffffff);
}

// No performance counters are offered, so no index is valid.
void read_performance_counter(Execution&, const Instruction&) { raise_fault(kGP, 0); }

// Of SYSCALL and SYSRET, alone among instructions, the single-step trap depends on the TF that they
// leave: a kernel whose SFMASK has TF is not stepped into, and the trap of a SYSCALL that was
// stepped over comes with the SYSRET that restores TF. [SDM 2B "SYSCALL-Fast System Call"; APM 2
// "SYSCALL and SYSRET"]
void use_loaded_trap_flag(Execution& x) { x.single_step = x.flag(kTF); }

void system_call(Execution& x, const Instruction&) {
  syscall(x.context, x.next_rip);
  x.transferred();
  use_loaded_trap_flag(x);
}

void system_return(Execution& x, const Instruction& i) {
  sysret(x.context, i.operand_size);
  x.transferred();
  use_loaded_trap_flag(x);
}

void system_enter(Execution& x, const Instruction&) {
  sysenter(x.context);
  x.transferred();
}

void system_exit(Execution& x, const Instruction& i) {
  sysexit(x.context, i.operand_size);
  x.transferred();
}

void halt(Execution& x, const Instruction&) {
  x.require_cpl0();
  x.outcome = Execution::Outcome::Halted;
}

void invalidate_page(Execution& x, const Instruction& i) {
  x.require_cpl0();
  const u64 offset = x.effective_address(i.memory);
  if (x.code64()) {  // a non-canonical address does nothing
    const u64 address =
        i.memory.segment >= FS ? offset + x.state.seg[i.memory.segment].base : offset;
    if (x.is_canonical(address)) invlpg(x.context, address);
    return;
  }
  invlpg(x.context, static_cast<u32>(x.state.seg[i.memory.segment].base + offset));
}

void invalidate_by_process(Execution& x, const Instruction& i) {
  x.require_cpl0();
  u64 descriptor[2];
  x.read_bytes(x.linear(i, sizeof descriptor, false), descriptor, sizeof descriptor);
  if ((descriptor[0] & ~u64{0xfff}) != 0) raise_fault(kGP, 0);
  invpcid(x.context, x.load(i, i.operand[0]), descriptor[0], descriptor[1]);
}

// Guest memory is coherent: writing caches back is ordering only.
void write_back_caches(Execution& x, const Instruction&) { x.require_cpl0(); }

// CLFLUSH, CLFLUSHOPT and CLWB fault as a load of one byte would.
void flush_line(Execution& x, const Instruction& i) { x.read(x.linear(i, 1, false), 1); }

void fence(Execution&, const Instruction&) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

void no_operation(Execution&, const Instruction&) {}

// RDRAND and RDSEED give what the host processor's give; CF tells whether there was a number.
template <bool seed>
void random_number(Execution& x, const Instruction& i) {
  u64 value = 0;
  bool valid = false;
  if constexpr (seed)
    asm volatile("rdseed %0" : "=r"(value), "=@ccc"(valid));
  else
    asm volatile("rdrand %0" : "=r"(value), "=@ccc"(valid));
  x.store_register(i.operand[0], valid ? value : 0);
  x.set_flags(kArithmeticFlags, valid ? kCF : 0);
}

}  // namespace

void add_system_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_CLTS, clear_task_switched);
  t.add(ZYDIS_MNEMONIC_LMSW, load_machine_status);
  t.add(ZYDIS_MNEMONIC_SMSW, store_machine_status);
  t.add(ZYDIS_MNEMONIC_RDMSR, read_model_register);
  t.add(ZYDIS_MNEMONIC_WRMSR, write_model_register);
  t.add(ZYDIS_MNEMONIC_XGETBV, get_extended_control);
  t.add(ZYDIS_MNEMONIC_XSETBV, set_extended_control);
  t.add(ZYDIS_MNEMONIC_CPUID, identify);
  t.add(ZYDIS_MNEMONIC_RDTSC, read_time_stamp);
  t.add(ZYDIS_MNEMONIC_RDTSCP, read_time_stamp_and_processor);
  t.add(ZYDIS_MNEMONIC_RDPID, read_processor);
  t.add(ZYDIS_MNEMONIC_RDPMC, read_performance_counter);
  t.add(ZYDIS_MNEMONIC_SYSCALL, system_call);
  t.add(ZYDIS_MNEMONIC_SYSRET, system_return);
  t.add(ZYDIS_MNEMONIC_SYSENTER, system_enter);
  t.add(ZYDIS_MNEMONIC_SYSEXIT, system_exit);
  t.add(ZYDIS_MNEMONIC_HLT, halt);
  t.add(ZYDIS_MNEMONIC_INVLPG, invalidate_page);
  t.add(ZYDIS_MNEMONIC_INVPCID, invalidate_by_process);
  t.add(ZYDIS_MNEMONIC_INVD, write_back_caches);
  t.add(ZYDIS_MNEMONIC_WBINVD, write_back_caches);
  t.add(ZYDIS_MNEMONIC_CLFLUSH, flush_line);
  t.add(ZYDIS_MNEMONIC_CLFLUSHOPT, flush_line);
  t.add(ZYDIS_MNEMONIC_CLWB, flush_line);
  t.add(ZYDIS_MNEMONIC_LFENCE, fence);
  t.add(ZYDIS_MNEMONIC_SFENCE, fence);
  t.add(ZYDIS_MNEMONIC_MFENCE, fence);
  t.add(ZYDIS_MNEMONIC_SERIALIZE, fence);
  t.add(ZYDIS_MNEMONIC_RDRAND, random_number<false>);
  t.add(ZYDIS_MNEMONIC_RDSEED, random_number<true>);
  for (const ZydisMnemonic hint :
       {ZYDIS_MNEMONIC_NOP, ZYDIS_MNEMONIC_PAUSE, ZYDIS_MNEMONIC_PREFETCH,
        ZYDIS_MNEMONIC_PREFETCHNTA, ZYDIS_MNEMONIC_PREFETCHT0, ZYDIS_MNEMONIC_PREFETCHT1,
        ZYDIS_MNEMONIC_PREFETCHT2, ZYDIS_MNEMONIC_PREFETCHW, ZYDIS_MNEMONIC_PREFETCHWT1})
    t.add(hint, no_operation);
}

}  // namespace backplane::x86::interpreter
