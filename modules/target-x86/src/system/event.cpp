// SPDX-License-Identifier: MIT
// Delivery of exceptions and interrupts. [SDM 3A "Interrupt and Exception Handling"]
#include <string_view>

#include "../cpu/reset.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "descriptor.h"
#include "stack.h"
#include "task_switch.h"

namespace backplane::x86 {

void raise_fault(u8 vector) { throw GuestException{vector, false, 0, 0}; }

void raise_fault(u8 vector, u32 error_code) { throw GuestException{vector, true, error_code, 0}; }

namespace {

constexpr Privilege kTables = Privilege::ImplicitSupervisor;

struct Event {
  EventKind kind;
  u8 vector;
  bool has_error;
  u32 error;
  u64 return_rip;

  bool software() const {
    return kind == EventKind::SoftwareInt || kind == EventKind::SoftwareException;
  }
  // Whether the gate's DPL is compared with the CPL.
  bool checks_gate() const { return software(); }
  // The EXT bit of error codes.
  u32 external() const { return software() ? 0 : 1; }
  u32 gate_error() const { return vector * 8u + 2u + external(); }
};

// Faults, unlike traps and aborts, push RF set so that a code breakpoint does not hit again; but
// not the code breakpoint's own. [SDM 3B "Instruction-Breakpoint Exception Condition"]
bool pushes_rf(const Event& e) {
  return e.kind == EventKind::Exception && e.vector != kDFVector && e.vector != kMC;
}

u64 pushed_flags(const X86State& s, const Event& e) {
  return pushes_rf(e) ? s.rflags | kRF : s.rflags;
}

void enter_handler_flags(X86State& s, bool interrupt_gate) {
  s.rflags &= ~(kTF | kNT | kVM | kRF | (interrupt_gate ? kIF : 0));
}

// --- real mode [SDM 3B "Interrupt and Exception Handling" (8086 emulation)] ---------------------

void deliver_real(Context c, const Event& e) {
  X86State& s = c.state();
  if (e.vector * 4u + 3 > s.idtr.limit) raise_fault(kGP, e.gate_error());
  const u32 target = c.memory.load<u32>(s.idtr.base + e.vector * 4u, kTables);
  Stack stack(c);
  stack.push(pushed_flags(s, e), 2);
  stack.push(s.seg[CS].selector, 2);
  stack.push(e.return_rip, 2);
  stack.commit(s);
  s.rflags &= ~(kIF | kTF | kAC | kRF);
  load_segment(c, CS, static_cast<u16>(target >> 16));
  s.rip = target & 0xffff;
}

// --- protected mode ------------------------------------------------------------------------------

// The code segment of a gate: checks it, sets the level that the handler runs at.
Descriptor handler_code(Context c, const Event& e, u16 selector, unsigned& new_cpl) {
  const X86State& s = c.state();
  const u32 error = error_of(selector) | e.external();
  Descriptor code;
  if (is_null(selector)) raise_fault(kGP, e.external());
  if (!find_descriptor(c, selector, code) || !code.is_code() || code.dpl() > s.cpl())
    raise_fault(kGP, error);
  if (s.long_mode_active() && (!code.long_mode() || code.big())) raise_fault(kGP, error);
  if (!code.present()) raise_fault(kNP, error);
  new_cpl = code.conforming() ? s.cpl() : code.dpl();
  return code;
}

void check_gate(const X86State& s, const Event& e, const Descriptor& gate) {
  if (e.checks_gate() && gate.dpl() < s.cpl()) raise_fault(kGP, e.gate_error());
  if (!gate.present()) raise_fault(kNP, e.gate_error());
}

void deliver_through_task(Context c, const Event& e, const Descriptor& gate) {
  X86State& s = c.state();
  const u16 selector = task_gate_target(c, gate.low, e.gate_error());
  switch_task(c, selector, TaskSwitch::Interrupt, e.return_rip, e.external(),
              pushes_rf(e) ? kRF : 0);
  if (!e.has_error) return;
  Stack stack(c, e.external());
  stack.push(e.error, (s.tr.type() & 8) != 0 ? 4 : 2);
  stack.commit(s);
}

void deliver_protected(Context c, const Event& e) {
  X86State& s = c.state();
  if (e.vector * 8u + 7 > s.idtr.limit) raise_fault(kGP, e.gate_error());
  Descriptor gate;
  gate.low = c.memory.load<u64>(s.idtr.base + e.vector * 8u, kTables);
  const unsigned type = gate.type();
  const bool is_gate = type == kTaskGate || type == kInterruptGate16 || type == kTrapGate16 ||
                       type == kInterruptGate32 || type == kTrapGate32;
  if (!gate.is_system() || !is_gate) raise_fault(kGP, e.gate_error());
  check_gate(s, e, gate);
  if (type == kTaskGate) return deliver_through_task(c, e, gate);

  unsigned new_cpl = 0;
  Descriptor code = handler_code(c, e, gate.gate_selector(), new_cpl);
  const u32 code_error = error_of(gate.gate_selector()) | e.external();
  const bool from_v86 = (s.rflags & kVM) != 0;
  if (from_v86 && new_cpl != 0) raise_fault(kGP, code_error);
  const unsigned size = gate.gate_is_16bit() ? 2 : 4;
  const u64 target = gate.gate_offset();
  if (!within_limit(code.segment(0), target, 1)) raise_fault(kGP, e.external());

  const bool inner = new_cpl < s.cpl();
  InnerStack fresh{s.seg[SS], s.gpr[RSP]};
  if (inner) fresh = inner_stack(c, new_cpl, e.external());
  const u32 stack_error = (inner ? error_of(fresh.segment.selector) : 0) | e.external();
  Stack stack(c, fresh.segment, fresh.pointer, false, new_cpl, stack_error);
  if (from_v86)
    for (const SegReg reg : {GS, FS, DS, ES}) stack.push(s.seg[reg].selector, size);
  if (inner) {
    stack.push(s.seg[SS].selector, size);
    stack.push(s.gpr[RSP], size);
  }
  stack.push(pushed_flags(s, e), size);
  stack.push(s.seg[CS].selector, size);
  stack.push(e.return_rip, size);
  if (e.has_error) stack.push(e.error, size);
  mark_accessed(c, code);

  stack.commit(s);
  s.seg[SS] = fresh.segment;
  if (from_v86)
    for (const SegReg reg : {GS, FS, DS, ES}) s.seg[reg] = {};
  enter_handler_flags(s, (type & 1) == 0);
  s.seg[CS] = code.segment(static_cast<u16>((gate.gate_selector() & ~3u) | new_cpl));
  s.rip = target;
}

// --- long mode [SDM 3A "Exception and Interrupt Handling in 64-bit Mode"] -----------------------

void deliver_long(Context c, const Event& e) {
  X86State& s = c.state();
  if (e.vector * 16u + 15 > s.idtr.limit) raise_fault(kGP, e.gate_error());
  u64 raw[2];
  c.memory.read(s.idtr.base + e.vector * 16u, raw, sizeof raw, kTables);
  const Descriptor gate{.low = raw[0], .high = raw[1] & 0xffffffff};
  const unsigned type = gate.type();
  if (!gate.is_system() || (type != kInterruptGate32 && type != kTrapGate32))
    raise_fault(kGP, e.gate_error());
  check_gate(s, e, gate);

  unsigned new_cpl = 0;
  const u16 selector = gate.gate_selector();
  Descriptor code = handler_code(c, e, selector, new_cpl);
  const u64 target = gate.gate_offset();
  if (!is_canonical(target)) raise_fault(kGP, e.external());

  const bool inner = new_cpl < s.cpl();
  u64 rsp = s.gpr[RSP];
  if (gate.gate_ist() != 0)
    rsp = interrupt_stack64(c, gate.gate_ist(), e.external());
  else if (inner)
    rsp = inner_stack64(c, new_cpl, e.external());
  rsp &= ~u64{15};
  const u64 frame[6] = {e.error,    e.return_rip,      s.seg[CS].selector, pushed_flags(s, e),
                        s.gpr[RSP], s.seg[SS].selector};
  const unsigned skipped = e.has_error ? 0 : 1;
  const unsigned size = 8 * (6 - skipped);
  rsp -= size;
  if (!is_canonical(rsp) || !is_canonical(rsp + size - 1)) raise_fault(kSSVector, e.external());
  c.memory.write(rsp, frame + skipped, size,
                 new_cpl == 3 ? Privilege::User : Privilege::Supervisor);
  mark_accessed(c, code);

  s.gpr[RSP] = rsp;
  if (inner) s.seg[SS] = null_stack_segment(new_cpl);
  enter_handler_flags(s, type == kInterruptGate32);
  s.seg[CS] = code.segment(static_cast<u16>((selector & ~3u) | new_cpl));
  s.rip = target;
}

void deliver_once(Context c, const Event& e) {
  const X86State& s = c.state();
  if (s.long_mode_active()) return deliver_long(c, e);
  if ((s.cr0 & kCr0PE) == 0) return deliver_real(c, e);
  deliver_protected(c, e);
}

// --- faults during delivery [SDM 3A "Interrupt 8-Double Fault Exception (#DF)"] --------------

enum class FaultClass : u8 { Benign, Contributory, PageFault };

FaultClass class_of(u8 vector) {
  switch (vector) {
    case kDE:
    case kTS:
    case kNP:
    case kSSVector:
    case kGP:
      return FaultClass::Contributory;
    case kPFVector:
      return FaultClass::PageFault;
    default:
      return FaultClass::Benign;
  }
}

bool becomes_double_fault(const Event& first, u8 second) {
  if (first.kind != EventKind::Exception) return false;
  const FaultClass a = class_of(first.vector), b = class_of(second);
  if (a == FaultClass::Contributory) return b == FaultClass::Contributory;
  return a == FaultClass::PageFault && b != FaultClass::Benign;
}

std::string_view kind_name(EventKind kind) {
  switch (kind) {
    case EventKind::External:
      return "interrupt";
    case EventKind::Nmi:
      return "NMI";
    case EventKind::Exception:
      return "exception";
    case EventKind::SoftwareInt:
      return "INT";
    case EventKind::SoftwareException:
      return "INT3/INTO";
    case EventKind::PrivilegedSoftware:
      return "INT1";
    case EventKind::Debug:
      return "debug exception";
  }
  return {};
}

void log_event(const X86State& s, const Event& e) {
  if (!log::enabled(LogCategory::Int)) return;
  log::print(
      LogCategory::Int, "{} {:#04x} error={:x} cpl={} at {:04x}:{:016x} rsp={:016x} cr2={:x}",
      kind_name(e.kind), e.vector, e.error, s.cpl(), s.seg[CS].selector, s.rip, s.gpr[RSP], s.cr2);
}

// A fault while a double fault is delivered: the processor stops, and a PC's chipset resets it.
void triple_fault(Context c) {
  X86State& s = c.state();
  log::print(LogCategory::Int, "triple fault\n{}", c.cpu.describe_registers());
  s.shutdown = 1;
  c.cpu.set_halted(true);
  const MachineLock::Guard guard;
  c.cpu.machine().run_control().request_reset(ShutdownCause::TripleFault);
}

}  // namespace

void deliver_event(Context c, EventKind kind, u8 vector, u64 return_rip, bool has_error,
                   u32 error) noexcept {
  X86State& s = c.state();
  Event e{kind, vector, has_error, error, s.rip};
  if (e.software() || kind == EventKind::PrivilegedSoftware) e.return_rip = return_rip;
  s.interrupt_shadow = kNoShadow;
  // Of what a load of SS holds back, exceptions and INT1 take the place; behind INT n, INT3 and
  // INTO it is delivered before their handler's first instruction.
  if (!e.software()) s.debug_traps = 0;
  for (;;) {
    log_event(s, e);
    try {
      deliver_once(c, e);
      if (kind == EventKind::Nmi) s.nmi_blocked = 1;
      // The handler of a debug exception may access the debug registers.
      if (e.vector == kDB && e.kind != EventKind::SoftwareInt) s.dr[7] &= ~kDr7GD;
      return;
    } catch (const GuestException& second) {
      if (e.kind == EventKind::Exception && e.vector == kDFVector) return triple_fault(c);
      if (second.vector == kPFVector) s.cr2 = second.cr2;
      s.debug_traps = 0;
      if (becomes_double_fault(e, second.vector))
        e = {EventKind::Exception, kDFVector, true, 0, s.rip};
      else
        e = {EventKind::Exception, second.vector, second.has_error_code, second.error_code, s.rip};
    }
  }
}

void deliver_exception(Context c, const GuestException& e) noexcept {
  if (e.vector == kPFVector) c.state().cr2 = e.cr2;
  deliver_event(c, EventKind::Exception, e.vector, c.state().rip, e.has_error_code, e.error_code);
}

bool service_interrupts(Context c) {
  constexpr u32 kOurs = kRequestHard | kRequestNmi | kRequestInit | kRequestSipi;
  X86Cpu& cpu = c.cpu;
  if ((cpu.interrupt_request() & kOurs) == 0) return false;
  X86State& s = c.state();
  bool changed = false;
  EventKind kind = EventKind::External;
  int vector = LocalApic::kNone;
  {
    const MachineLock::Guard guard;
    const u32 request = cpu.interrupt_request();
    if ((request & kRequestInit) != 0) {
      cpu.clear(kRequestInit);
      cpu.init_reset();
      if (cpu.observer() != nullptr) cpu.observer()->flush_tlb(true);
      changed = true;
    }
    if ((request & kRequestSipi) != 0) {
      cpu.clear(kRequestSipi);
      if (s.wait_for_sipi != 0) {
        startup_state(s, cpu.sipi_vector());
        cpu.set_halted(false);
        changed = true;
      }
    }
    if (s.wait_for_sipi != 0 || s.shutdown != 0 || s.interrupt_shadow != kNoShadow ||
        s.debug_traps != 0)
      return changed;
    if (s.nmi_blocked != 0) cpu.merge_nmis();
    if (s.nmi_blocked == 0 && cpu.take_nmi()) {
      kind = EventKind::Nmi;
      vector = kNMI;
    } else if ((request & kRequestHard) != 0 && (s.rflags & kIF) != 0) {
      vector = cpu.acknowledge_interrupt();
    }
    if (vector < 0) return changed;
    cpu.set_halted(false);
  }
  deliver_event(c, kind, static_cast<u8>(vector), s.rip);
  return true;
}

}  // namespace backplane::x86
