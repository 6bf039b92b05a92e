// SPDX-License-Identifier: MIT
#include "runtime/stubs.h"

#include <optional>

#include "runtime/jump_cache.h"

namespace backplane::tcg {
namespace {

constexpr u8 kPinned[] = {0, 1, 2, 3, 5, 6, 7, 8, 9, 12, 13};
// Those of them that a C++ function may change.
constexpr u8 kCallClobbered[] = {0, 1, 2, 6, 7, 8, 9};

class StubEmitter {
 public:
  StubEmitter(Assembler& a, const Helpers& helpers, u32 vector_mask)
      : a_(a), helpers_(helpers), vector_mask_(vector_mask) {}

  Stubs emit() {
    Stubs s;
    s.enter = reinterpret_cast<void (*)(X86State*, const u8*)>(
        reinterpret_cast<u64>(a_.executable(emit_enter())));
    leave_ = emit_leave();
    s.leave_at = emit_leave_at();
    s.interpret = emit_call(reinterpret_cast<u64>(helpers_.interpret));
    s.repeat = emit_repeat(emit_call(reinterpret_cast<u64>(helpers_.repeat)));
    s.interpret_general =
        emit_call_general(reinterpret_cast<u64>(helpers_.interpret_general), s.interpret);
    const u32 resume = emit_call_general(reinterpret_cast<u64>(helpers_.resume), s.interpret);
    s.system = emit_system(s.interpret, resume);
    s.link =
        emit_call(reinterpret_cast<u64>(helpers_.link), reinterpret_cast<u64>(helpers_.link_fast));
    for (unsigned n = 0; n < kMmuCount; ++n) s.link_far[n] = emit_link_far(s.link, n);
    s.lookup = emit_call(reinterpret_cast<u64>(helpers_.lookup),
                         reinterpret_cast<u64>(helpers_.lookup_fast));
    s.memory = emit_memory(resume, std::nullopt);
    s.memory_general = emit_memory(resume, memory_full_);
    s.commit = emit_commit();
    s.native_fault = a_.executable(s.interpret);
    return s;
  }

 private:
  static constexpr int kXsave = static_cast<int>(offsetof(X86State, xsave));

  void store_registers() {
    for (const u8 r : kPinned) a_.mov(a_.gpr(r), Assembler::r64(r));
    a_.mov(a_.gpr(4), a_.r15);
  }
  void load_registers() {
    for (const u8 r : kPinned) a_.mov(Assembler::r64(r), a_.gpr(r));
    a_.mov(a_.r15, a_.gpr(4));
  }
  // XSAVE64 / XRSTOR64 [rsp + displacement]; RAX and RDX are lost.
  void xsave_form(u8 group, int displacement) {
    a_.mov(a_.eax, vector_mask_);
    a_.xor_(a_.edx, a_.edx);
    for (const u8 byte : {0x48, 0x0f, 0xae, 0x84 | group << 3, 0x24}) a_.db(byte);
    a_.dd(static_cast<u32>(displacement));
  }
  void store_vectors() {
    xsave_form(4, kXsave);
    if ((vector_mask_ & 4) != 0) a_.vzeroupper();
    a_.ldmxcsr(a_.field32(BACKPLANE_JIT_OFFSET(host_mxcsr)));
  }
  void load_vectors() { xsave_form(5, kXsave); }
  // By moves, for C++ that leaves X86State::xsave alone. The x87 stays as it is.
  void keep_vectors() {
    const bool wide = (vector_mask_ & 4) != 0;
    for (int n = 0; n < 16; ++n)
      if (wide)
        a_.vmovaps(vector_place(n), Xbyak::Ymm(n));
      else
        a_.movaps(vector_place(n), Xbyak::Xmm(n));
    if (wide) a_.vzeroupper();
    a_.stmxcsr(a_.field32(BACKPLANE_JIT_OFFSET(guest_mxcsr)));
    a_.ldmxcsr(a_.field32(BACKPLANE_JIT_OFFSET(host_mxcsr)));
  }
  void bring_vectors_back() {
    for (int n = 0; n < 16; ++n)
      if ((vector_mask_ & 4) != 0)
        a_.vmovaps(Xbyak::Ymm(n), vector_place(n));
      else
        a_.movaps(Xbyak::Xmm(n), vector_place(n));
    a_.ldmxcsr(a_.field32(BACKPLANE_JIT_OFFSET(guest_mxcsr)));
  }
  Xbyak::Address vector_place(int number) {
    return a_.ptr[a_.rsp + (BACKPLANE_JIT_OFFSET(vectors) + 32 * number)];
  }
  void call_cpp(u64 function) {
    a_.mov(a_.rax, function);
    a_.call(a_.rax);
  }

  u32 emit_enter() {
    const u32 start = begin();
    for (const u8 r : {3, 5, 12, 13, 14, 15}) a_.push(Assembler::r64(r));
    a_.mov(a_.ptr[a_.rdi + BACKPLANE_JIT_OFFSET(host_rsp)], a_.rsp);
    a_.stmxcsr(a_.dword[a_.rdi + BACKPLANE_JIT_OFFSET(host_mxcsr)]);
    a_.mov(a_.rsp, a_.rdi);
    a_.mov(a_.r11, a_.rsi);
    load_vectors();
    load_registers();
    a_.jmp(a_.r11);
    return start;
  }

  // The state is complete in memory, vectors too.
  u32 emit_leave() {
    const u32 start = begin();
    a_.fninit();
    a_.mov(a_.rsp, a_.field(BACKPLANE_JIT_OFFSET(host_rsp)));
    for (const u8 r : {15, 14, 13, 12, 5, 3}) a_.pop(Assembler::r64(r));
    a_.ret();
    return start;
  }

  u32 emit_leave_at() {
    const u32 start = begin();
    a_.add(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(page_base)));
    a_.sub(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(code_base)));
    a_.and_(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(pointer_mask)));
    a_.mov(a_.field(static_cast<int>(offsetof(X86State, rip))), a_.r11);
    a_.mov(a_.field32(BACKPLANE_JIT_OFFSET(flags_stale)), 1);
    store_registers();
    store_vectors();
    a_.jump(leave_);
    return start;
  }

  // Goes on at the code in RAX, or leaves if it is null.
  void resume_or_leave() {
    a_.test(a_.rax, a_.rax);
    a_.jump_if(4, leave_);
    a_.mov(a_.r11, a_.rax);
    load_vectors();
    load_registers();
    a_.jmp(a_.r11);
  }

  // `fast`, if any, is tried first, with the vector registers in place.
  u32 emit_call(u64 function, u64 fast = 0) {
    const u32 start = begin();
    store_registers();
    if (fast != 0) {
      a_.mov(a_.field(BACKPLANE_JIT_OFFSET(slow_linear)), a_.r10);
      a_.mov(a_.field(BACKPLANE_JIT_OFFSET(slow_descriptor)), a_.r11);
      pass_arguments();
      call_cpp(fast);
      a_.test(a_.rax, a_.rax);
      const u32 full = a_.jump_if_forward(4);
      a_.mov(a_.r11, a_.rax);
      for (const u8 r : kCallClobbered) a_.mov(Assembler::r64(r), a_.gpr(r));
      a_.jmp(a_.r11);
      a_.bind(full);
      a_.mov(a_.r10, a_.field(BACKPLANE_JIT_OFFSET(slow_linear)));
      a_.mov(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(slow_descriptor)));
    }
    store_vectors();
    pass_arguments();
    call_cpp(function);
    resume_or_leave();
    return start;
  }

  // The function may refuse: then it is `full`'s.
  u32 emit_call_general(u64 function, u32 full) {
    static_assert(Helpers::kRefusedGeneral == 1);
    const u32 start = begin();
    store_registers();
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(slow_descriptor)), a_.r11);
    keep_vectors();
    pass_arguments();
    call_cpp(function);
    bring_vectors_back();
    go_on_or_leave(full);
    return start;
  }

  // What emit_call_general's function returned is in RAX.
  void go_on_or_leave(u32 full) {
    a_.cmp(a_.rax, static_cast<u32>(Helpers::kRefusedGeneral));
    const u32 leaves = a_.jump_if_forward(2);
    a_.mov(a_.r10, a_.rax);
    a_.mov(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(slow_descriptor)));
    load_registers();
    a_.jump_if(4, full);
    a_.jmp(a_.r10);
    a_.bind(leaves);
    store_vectors();
    a_.jump(leave_);
  }

  void pass_arguments() {
    a_.mov(a_.rdi, a_.field(BACKPLANE_JIT_OFFSET(vcpu)));
    a_.mov(a_.rsi, a_.r10);
    a_.mov(a_.rdx, a_.r11);
  }

  // The registers are stored again on the way through the other stubs: they are unchanged.
  u32 emit_system(u32 interpret, u32 resume) {
    const u32 start = begin();
    store_registers();
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(slow_descriptor)), a_.r11);
    a_.mov(a_.rdi, a_.field(BACKPLANE_JIT_OFFSET(vcpu)));
    a_.mov(a_.rsi, a_.r10);
    a_.mov(a_.rdx, a_.r11);
    call_cpp(reinterpret_cast<u64>(helpers_.system));
    a_.cmp(a_.rax, static_cast<u32>(Helpers::kSystemDone));
    a_.mov(a_.r11, a_.rax);
    load_registers();
    const u32 refused = a_.jump_if_forward(2);
    const u32 done = a_.jump_if_forward(4);
    a_.jmp(a_.r11);
    a_.bind(refused);
    a_.mov(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(slow_descriptor)));
    a_.jump(interpret);
    a_.bind(done);
    a_.jump(resume);
    return start;
  }

  u32 emit_link_far(u32 link, unsigned mmu_index) {
    const u32 start = begin();
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(saved_scratch)), a_.r11);
    const u32 miss = emit_jump_cache_probe(a_, mmu_index);
    emit_jump_to_cached(a_);
    a_.bind(miss);
    a_.mov(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(saved_scratch)));
    a_.jump(link);
    return start;
  }

  // The registers are stored again on the way through the other stub: they are unchanged.
  u32 emit_repeat(u32 full) {
    const u32 start = begin();
    a_.pop(a_.r14);
    store_registers();
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(slow_linear)), a_.r10);
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(slow_descriptor)), a_.r11);
    pass_arguments();
    call_cpp(reinterpret_cast<u64>(helpers_.repeat_fast));
    a_.test(a_.rax, a_.rax);
    for (const u8 r : kCallClobbered) a_.mov(Assembler::r64(r), a_.gpr(r));
    const u32 left = a_.jump_if_forward(4);
    a_.jmp(a_.r14);
    a_.bind(left);
    a_.mov(a_.r10, a_.field(BACKPLANE_JIT_OFFSET(slow_linear)));
    a_.mov(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(slow_descriptor)));
    a_.jump(full);
    return start;
  }

  // `full`, if any: where the way with all registers saved begins, for what is tried before that.
  u32 emit_memory(u32 resume, std::optional<u32> full_way) {
    const u32 start = begin();
    // Entered by call: the state is 8 above RSP until the return address is popped.
    a_.mov(a_.qword[a_.rsp + 8 + BACKPLANE_JIT_OFFSET(saved_scratch)], a_.r14);
    a_.pop(a_.r14);
    store_registers();
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(slow_linear)), a_.r10);
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(slow_descriptor)), a_.r11);
    a_.mov(a_.rdi, a_.field(BACKPLANE_JIT_OFFSET(vcpu)));
    a_.mov(a_.rsi, a_.r10);
    a_.mov(a_.rdx, a_.r11);
    a_.mov(a_.rcx, a_.r14);
    call_cpp(reinterpret_cast<u64>(helpers_.memory_fast));
    a_.cmp(a_.rax, static_cast<u32>(Helpers::kElsewhere));
    const u32 full = a_.jump_if_forward(2);
    const u32 taken = a_.jump_if_forward(4);
    a_.mov(a_.r10, a_.rax);
    for (const u8 r : kCallClobbered) a_.mov(Assembler::r64(r), a_.gpr(r));
    a_.mov(a_.r11, a_.r14);
    a_.mov(a_.r14, a_.field(BACKPLANE_JIT_OFFSET(saved_scratch)));
    a_.jmp(a_.r11);
    a_.bind(full);
    if (full_way) {
      keep_vectors();
      call_memory(reinterpret_cast<u64>(helpers_.memory_general));
      bring_vectors_back();
    } else {
      memory_full_ = a_.here();
      store_vectors();
      call_memory(reinterpret_cast<u64>(helpers_.memory));
    }
    a_.test(a_.rax, a_.rax);
    const u32 elsewhere = a_.jump_if_forward(4);
    a_.mov(a_.r10, a_.rax);
    if (!full_way) load_vectors();
    load_registers();
    a_.mov(a_.r11, a_.r14);
    a_.mov(a_.r14, a_.field(BACKPLANE_JIT_OFFSET(saved_scratch)));
    a_.jmp(a_.r11);
    a_.bind(elsewhere);
    a_.mov(a_.rax, a_.field(BACKPLANE_JIT_OFFSET(resume)));
    full_way ? go_on_or_leave(*full_way) : resume_or_leave();
    a_.bind(taken);
    a_.mov(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(resume)));
    load_registers();
    a_.cmp(a_.r11, static_cast<u32>(Helpers::kSystemDone));
    a_.jump_if(4, resume);
    a_.jmp(a_.r11);
    return start;
  }

  void call_memory(u64 function) {
    a_.mov(a_.rdi, a_.field(BACKPLANE_JIT_OFFSET(vcpu)));
    a_.mov(a_.rsi, a_.field(BACKPLANE_JIT_OFFSET(slow_linear)));
    a_.mov(a_.rdx, a_.field(BACKPLANE_JIT_OFFSET(slow_descriptor)));
    a_.mov(a_.rcx, a_.r14);
    a_.lea(a_.r8, a_.field(BACKPLANE_JIT_OFFSET(resume)));
    call_cpp(function);
  }

  u32 emit_commit() {
    const u32 start = begin();
    a_.pop(a_.r14);
    store_registers();
    a_.mov(a_.rdi, a_.field(BACKPLANE_JIT_OFFSET(vcpu)));
    call_cpp(reinterpret_cast<u64>(helpers_.commit));
    for (const u8 r : kCallClobbered) a_.mov(Assembler::r64(r), a_.gpr(r));
    a_.jmp(a_.r14);
    return start;
  }

  u32 begin() {
    a_.align(16);
    return a_.here();
  }

  Assembler& a_;
  const Helpers& helpers_;
  u32 vector_mask_;
  u32 leave_ = 0;
  u32 memory_full_ = 0;
};

}  // namespace

Stubs emit_stubs(Assembler& a, const Helpers& helpers, u32 vector_mask) {
  return StubEmitter(a, helpers, vector_mask).emit();
}

}  // namespace backplane::tcg
