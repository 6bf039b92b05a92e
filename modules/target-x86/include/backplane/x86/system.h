// SPDX-License-Identifier: MIT
// What user-level code cannot do: control registers, MSRs, descriptor loads, far transfers,
// exceptions and interrupts. Plain functions over the state, unit-tested without a JIT.
//
// All run on the CPU's thread. Those that fault throw GuestException and then have changed
// nothing but what the architecture says. RIP in the state is that of the current instruction;
// functions that transfer control set it, others leave it. Operand sizes are in bytes.
#pragma once

#include <span>

#include "backplane/x86/cpu.h"
#include "backplane/x86/mmu.h"
#include "backplane/x86/state.h"
#include "backplane/x86/version.h"

namespace backplane::x86 {

// The CPU and how it reaches memory: the first argument of every function here.
struct Context {
  X86Cpu& cpu;
  LinearMemory& memory;
  X86State& state() const { return cpu.state(); }
};

// --- exceptions and interrupts [SDM 3A "Interrupt and Exception Handling"] ------------------
enum class EventKind : u8 {
  External,
  Nmi,
  Exception,
  SoftwareInt,
  SoftwareException /*INT3,INTO*/,
  PrivilegedSoftware /*INT1*/,
  Debug /*#DB, as a trap or for a code breakpoint*/
};
// Delivers one event through the IDT (real, protected, long mode; IST; task gates). For software
// events `return_rip` is the address after the instruction; else state.rip. A fault on the way
// becomes a double fault, and then shutdown (state.shutdown = 1). Never throws.
void deliver_event(Context c, EventKind kind, u8 vector, u64 return_rip, bool has_error = false,
                   u32 error = 0) noexcept;
void deliver_exception(Context c, const GuestException& e) noexcept;
// Memory that is reached without a fault or a device, for the functions that translated code calls.
class PlainMemory {
 public:
  // A word of the descriptor tables or the TSS. False if it is not in plain memory.
  virtual bool load(u64 linear, u64& value) = 0;
  // Onto the stack of the kernel. False, and nothing is written, if not all of it is plain memory.
  virtual bool store(u64 linear, std::span<const u64> words) = 0;

 protected:
  ~PlainMemory() = default;
};
// Delivers an exception with an error code, of 64-bit code at state.rip, to a handler in 64-bit
// code of privilege level 0, if it meets nothing unusual on the way. False: nothing was done, and
// it is deliver_exception()'s. CR2 is the caller's. Throws nothing, and uses general registers
// only.
bool deliver_to_kernel64(Context c, PlainMemory& memory, u8 vector, u32 error);
// Delivers #DB, as a trap or for a code breakpoint. `conditions`: bits of DR6.
void deliver_debug_exception(Context c, u64 conditions) noexcept;
// Takes what is pending and permitted now: INIT, SIPI, NMI, INTR (IF set, no shadow). True if
// state changed. Takes the machine lock itself.
bool service_interrupts(Context c);

// --- control transfers -------------------------------------------------------------------------
// `next_rip` and `return_rip` are the address after the instruction: where a task goes on that is
// switched away from, or a procedure returns to.
void far_jump(Context c, u16 selector, u64 offset, unsigned operand_size, u64 next_rip);
void far_call(Context c, u16 selector, u64 offset, unsigned operand_size, u64 return_rip);
void far_return(Context c, unsigned operand_size, unsigned pop_bytes);
void iret(Context c, unsigned operand_size, u64 next_rip);
// IRETQ of privilege level 0 to 64-bit code, if it is one of the usual: from the frame (RIP, CS,
// RFLAGS, RSP, SS), and the descriptors that CS and SS name in the GDT (if SS is null, anything).
// False: nothing was done, and it is iret()'s. Accesses no memory, throws nothing, and uses general
// registers only.
bool iret_to_code64(Context c, const u64* frame, u64 code, u64 stack);
// MOV to DS, ES, FS or GS, and outside of 64-bit code to SS: in real mode of any selector, else of
// one in the GDT with this descriptor, if that was used before, or, but for SS, of a null selector.
// False: nothing was done, and it is load_segment()'s. Otherwise as iret_to_code64(). The caller
// sets the shadow of a load of SS.
bool load_data_segment64(X86State& s, SegReg reg, u16 selector, u64 descriptor);
// JMP of 16- or 32-bit code by a far pointer: in real mode of any selector, else of one in the GDT
// with this descriptor, of a code segment of the same privilege level that was used before. False:
// nothing was done, and it is far_jump()'s. Otherwise as iret_to_code64().
bool far_jump_to_code(X86State& s, u16 selector, u32 offset, u64 descriptor);
void syscall(Context c, u64 return_rip);
void sysret(Context c, unsigned operand_size);
void sysenter(Context c);
void sysexit(Context c, unsigned operand_size);

// --- descriptors -------------------------------------------------------------------------------
void load_segment(Context c, SegReg reg, u16 selector);  // MOV/POP/LxS; not CS
void load_ldt(Context c, u16 selector);
void load_task_register(Context c, u16 selector);
// LAR, LSL, VERR, VERW: true and a value if ZF is to be set.
bool load_access_rights(Context c, u16 selector, u32& value);
bool load_segment_limit(Context c, u16 selector, u32& value);
bool verify_read(Context c, u16 selector);
bool verify_write(Context c, u16 selector);

// --- control and debug registers, MSRs
// ------------------------------------------------------------
u64 read_cr(Context c, unsigned number);
void write_cr(Context c, unsigned number, u64 value);
u64 read_dr(Context c, unsigned number);
void write_dr(Context c, unsigned number, u64 value);
u64 read_msr(Context c, u32 index);
void write_msr(Context c, u32 index, u64 value);
void write_xcr0(Context c, u64 value);
void swapgs(Context c);
void invlpg(Context c, u64 linear);
void invpcid(Context c, u64 type, u64 pcid, u64 linear);

// --- ports
// ---------------------------------------------------------------------------------------------
// Throws #GP if the I/O permission (IOPL, TSS bitmap) forbids it.
void check_io_permission(Context c, u16 port, unsigned size);
u32 port_in(Context c, u16 port, unsigned size);
// For a device whose port a CPU reads, on that CPU's thread: what the guest polls for does not come
// any sooner than in so many nanoseconds of the host's time. port_in() sleeps as long, without the
// machine lock, before the guest goes on; interrupts wait for that. Where the guest's instructions
// are not executed by port_in(), it does nothing.
void rest_behind_port_in(i64 nanoseconds);
void port_out(Context c, u16 port, u32 value, unsigned size);

// POPF/IRET semantics: which bits may change at this CPL and IOPL.
void write_flags(X86State& state, u64 value, unsigned operand_size);

}  // namespace backplane::x86
