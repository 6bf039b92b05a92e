// SPDX-License-Identifier: MIT
#include "availability.h"
#include "routine.h"

namespace backplane::x86::interpreter {
namespace {

constexpr u64 kFlagsForHost = 0x202;  // the reserved bit and IF: what user code always has
constexpr unsigned kLargestOperand = 64;

u64 components_of(const NativeRoutine& r) {
  switch (r.kind) {
    case NativeRoutine::Kind::X87:
      return kComponentX87;
    case NativeRoutine::Kind::Mmx:
      return kComponentX87 | kComponentSse;
    case NativeRoutine::Kind::Sse:
      return kComponentSse;
    default:
      return kComponentSse | kComponentAvx;
  }
}

void require_available(const Execution& x, const NativeRoutine& r) {
  switch (r.kind) {
    case NativeRoutine::Kind::X87:
      require_x87(x);
      require_no_x87_exception(x);
      return;
    case NativeRoutine::Kind::Mmx:
      if (r.needs_osfxsr) require_sse(x);
      require_mmx(x);
      return;
    case NativeRoutine::Kind::Sse:
      require_sse(x);
      return;
    case NativeRoutine::Kind::Avx:
      require_avx(x);
      return;
  }
}

bool goes_through_image(const NativeRoutine& r) {
  return r.kind == NativeRoutine::Kind::X87 || r.kind == NativeRoutine::Kind::Mmx;
}

// Runs under an MXCSR; returns the flags of the SIMD exceptions that arose.
u32 run_under(const FpuImage& image, const NativeRoutine& r, u8* memory, NativeFrame& frame,
              u32 mxcsr) {
  frame.mxcsr = mxcsr;
  if (goes_through_image(r)) image.set_mxcsr(mxcsr);
  r.entry(image.data(), memory, 0, 0, &frame);
  return (goes_through_image(r) ? image.mxcsr() : frame.mxcsr) & kMxcsrExceptions;
}

// True if one of the numbers that VCVTPS2PH made is denormal.
bool made_denormal_half(const FpuImage& image, const NativeRoutine& r, const u8* memory) {
  const u8* halves = r.writes_memory ? memory : image.xmm(r.half_register);
  for (unsigned n = 0; n < r.half_count; ++n) {
    u16 half = 0;
    std::memcpy(&half, halves + 2 * n, sizeof half);
    if ((half & 0x7c00) == 0 && (half & 0x3ff) != 0) return true;
  }
  return false;
}

// Runs with all SIMD exceptions masked and finds out afterwards which ones arose. If one of them
// is unmasked, the registers are as before, the flags are set, and it is raised: #XM, or #UD
// where the system does not expect it.
void run(Execution& x, const NativeRoutine& r, u8* memory, NativeFrame& frame) {
  const FpuImage image(x.state);
  const u32 mxcsr = image.mxcsr();
  const u32 masked = (mxcsr | kMxcsrAllMasked) & ~kMxcsrExceptions;
  const bool can_raise = (mxcsr & kMxcsrAllMasked) != kMxcsrAllMasked;
  u8 before[kXsaveSize];
  if (can_raise) std::memcpy(before, image.data(), sizeof before);

  // A tiny result that is exact is an underflow where that is unmasked only. While it is masked,
  // such a result is flagged if it is flushed to zero. [SDM 1 "Numeric Underflow Exception (#U)"]
  u32 tiny = 0;
  if ((mxcsr & kMxcsrUnderflowMask) == 0) {
    NativeFrame trial = frame;
    u8 trial_memory[kLargestOperand];
    std::memcpy(trial_memory, memory, r.memory_size);
    tiny = run_under(image, r, trial_memory, trial, masked | kMxcsrFlushToZero) & kMxcsrUnderflow;
    std::memcpy(image.data(), before, sizeof before);
  }
  // What is not flushed is inexact on its own account.
  const u32 untrapped = tiny != 0 ? masked & ~kMxcsrFlushToZero : masked;
  u32 raised = run_under(image, r, memory, frame, untrapped) | tiny;
  // VCVTPS2PH does not flush.
  if (r.half_count != 0 && (mxcsr & kMxcsrUnderflowMask) == 0 &&
      made_denormal_half(image, r, memory))
    raised |= kMxcsrUnderflow;
  if (can_raise && (raised & ~(mxcsr >> 7)) != 0) {
    std::memcpy(image.data(), before, sizeof before);
    image.set_mxcsr(mxcsr | raised);
    raise_fault((x.state.cr4 & kCr4OSXMMEXCPT) != 0 ? kXM : kUD);
  }
  if (goes_through_image(r) || raised != 0) image.set_mxcsr(mxcsr | raised);
}

}  // namespace

void execute_native(Execution& x, const Instruction& i) {
  const NativeRoutine& r = *i.native;
  require_available(x, r);
  const FpuImage image(x.state);
  image.materialize(components_of(r));

  alignas(64) u8 memory[kLargestOperand] = {};
  u64 address = 0;
  if (r.memory_size != 0) {
    address = x.linear(i, r.memory_size, r.writes_memory);
    require_alignment(address, r.alignment);
    // An x87 store that raises an unmasked exception leaves memory as it was.
    const bool keeps_old = r.writes_memory && r.kind == NativeRoutine::Kind::X87 &&
                           (image.get<u16>(kFcw) & kFswExceptions) != kFswExceptions;
    if (r.writes_memory) x.probe_write(address, r.memory_size);
    if (r.reads_memory || keeps_old) x.read_bytes(address, memory, r.memory_size);
  }

  NativeFrame frame;
  if (r.general_register != kNoRegister) frame.rax = x.state.gpr[r.general_register];
  if (r.string_lengths) {
    frame.rax = x.state.gpr[RAX];
    frame.rdx = x.state.gpr[RDX];
  }
  frame.flags = (x.state.rflags & kArithmeticFlags) | kFlagsForHost;
  X87Pointers pointers = x87_pointers(x.state);
  // An exception that waits and is to be ignored must not stop the host's x87 either.
  const bool ignores = goes_through_image(r) && x87_exception_waits(x.state);
  const u16 control = image.get<u16>(kFcw);
  if (ignores) {
    image.set<u16>(kFcw, control | kFswExceptions);
    image.update_error_summary();
  }
  run(x, r, memory, frame);
  if (ignores) {
    image.set<u16>(kFcw, control);
    image.update_error_summary();
  }

  // What the host's processor has left in the image, if anything, are its own.
  if (r.sets_x87_pointers) {
    pointers.opcode = r.x87_opcode;
    pointers.instruction = x.state.rip;
    if (r.memory_size != 0) pointers.operand = x.effective_address(i.memory);
  }
  set_x87_pointers(x.state, pointers);
  if (r.writes_memory) x.write_bytes(address, memory, r.memory_size);
  if (r.writes_general) x.set_reg(r.general_register, r.general_size, frame.rax);
  if (r.writes_index) x.set_reg(RCX, 4, frame.rcx);
  if (r.writes_flags) x.set_flags(kArithmeticFlags, frame.flags);
}

}  // namespace backplane::x86::interpreter
