// SPDX-License-Identifier: MIT
// One vCPU of the translator: runs blocks, translates what is missing, serves their slow paths.
#pragma once

#include "backplane/cpu.h"
#include "backplane/x86/interpreter.h"
#include "backplane/x86/x87_pointers.h"
#include "engine.h"
#include "mmu/soft_mmu.h"
#include "native/tier.h"
#include "runtime/fixed_leaves.h"
#include "trace/trace.h"

namespace backplane::tcg {

class TcgVcpu final : public Vcpu, private x86::CpuObserver {
 public:
  TcgVcpu(Engine& engine, X86Cpu& cpu);
  ~TcgVcpu() override;

  Exit run() override;
  void kick() override;
  void thread_started() override;
  void put_state() override;
  void set_step(DebugStep step) override;
  DebugStop debug_stop() const override { return debug_stop_; }
  // Accesses that a debugger watches for from now on. The machine stands still.
  void watch(const std::vector<Watchpoint>& watched);

  // Has ring 3 run by the tier where it wants that. Before the vCPU's thread starts.
  void set_native(std::unique_ptr<NativeVcpu> native);
  NativeVcpu* native() const { return native_.get(); }

  X86Cpu& cpu() { return cpu_; }
  const X86Cpu& cpu() const { return cpu_; }
  SoftMmu& mmu() { return mmu_; }
  const SoftMmu& mmu() const { return mmu_; }
  // Guest memory was mapped anew: forget translations before the next instruction. Any thread.
  void memory_changed();

  // While translated code runs, or what it called looks for more, the vCPU is inside: blocks may
  // hold host addresses of guest memory that they looked up, and none of them goes. For its life
  // this takes the vCPU outside, where it relies on neither: others may wait for that, so whatever
  // may itself wait for others is done outside. The code cache may be flushed meanwhile. vCPU
  // thread.
  class Outside {
   public:
    explicit Outside(TcgVcpu& vcpu) : vcpu_(vcpu), was_inside_(vcpu.inside()) {
      if (was_inside_) vcpu_.go_outside();
    }
    ~Outside() {
      if (was_inside_) vcpu_.go_inside();
    }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;

   private:
    TcgVcpu& vcpu_;
    bool was_inside_;
  };
  // Waits until it was outside at least once since the call. Another thread.
  void wait_until_outside();

  // Instructions that may run before run() returns, under instruction counting. vCPU thread.
  void set_budget(i32 instructions) { jit_.budget = budget_start_ = instructions; }
  // Lowers what is left, not what was executed.
  void limit_budget(i32 instructions) {
    if (jit_.budget <= instructions) return;
    budget_start_ -= jit_.budget - instructions;
    jit_.budget = instructions;
  }
  i32 executed() const { return budget_start_ - jit_.budget; }

  static Helpers helpers();
  // If the host instruction at `pc`, which faulted while the host's flags were `rflags`, is
  // translated code of the current thread: where to go on, else null. `offset` is the guest
  // instruction's in its page. Async-signal-safe as far as it must be.
  static const u8* take_native_fault(const void* pc, u64 rflags, u32& offset);

  // Whether it runs translated code, or would if the host let it. Any thread.
  bool in_translated_code() const { return inside(); }
  // Makes translated code leave once. What left_since() wants to know whether it did, or ran none.
  u64 ask_to_leave();
  bool left_since(u64 asked) const {
    return (asked & 1) == 0 || crossings_.load(std::memory_order_acquire) != asked;
  }

  struct Counters {
    u64 interpreted = 0, slow_accesses = 0, page_faults = 0, lookups = 0, entries = 0;
    u64 repetitions = 0;  // of MOVS and STOS, that took the long way
  };
  const Counters& counters() const { return counters_; }
  // What was interpreted, by name.
  const x86::Interpreter& interpreter() const { return interpreter_; }

 private:
  // Host code for the current RIP, page_base set; null if it has to be interpreted or something
  // is pending.
  // Remembered: that of a block which was invalidated will do, as it looks for another one.
  // OneBlock: the code runs whether it was asked to leave or not.
  enum class Entry : u8 { Remembered, LookedUp, OneBlock };
  const u8* code_at_rip(Entry entry);
  // Whether code at an address is found without the look-up that traces it, or stops.
  bool remembers(u64 linear) const { return !tracing_ && !engine_.stops.begins_block(linear); }
  // Puts a block into the jump cache; its page counts as executed from.
  template <class BlockOrPlace>
  void remember(const BlockOrPlace& block, u64 linear, MmuIndex index) {
    mmu_.note_executed(linear, index);
    if (!remembers(linear)) return;
    const u8* const code = engine_.cache.assembler().executable(block.entry);
    jit_.jumps[jump_cache_index(linear)] = {linear ^ jit_.jump_generation[index],
                                            reinterpret_cast<u64>(code)};
  }
  // The code that the jump cache knows for an address, or null.
  const u8* remembered_code(u64 linear, MmuIndex index) const {
    const JumpEntry& jump = jit_.jumps[jump_cache_index(linear)];
    return jump.tag == (linear ^ jit_.jump_generation[index])
               ? reinterpret_cast<const u8*>(jump.code)
               : nullptr;
  }
  // `kind`: 0, Mode::kApart or Mode::kSplit.
  Block* find_or_translate(u64 linear, u32 kind = 0);
  // `bytes.page` is the page of host_pc. Gives up the lock for a while if the pages had no code.
  Block* translate(const u8* host_pc, const GuestBytes& bytes, Mode mode,
                   std::unique_lock<CacheLock>& guard);
  bool settle_page(const GuestBytes& bytes, const SoftMmu::RamPlace& place,
                   const SoftMmu::RamPlace& second, std::unique_lock<CacheLock>& guard);
  Block* translate_settled(const u8* host_pc, const GuestBytes& bytes, Mode mode,
                           const SoftMmu::RamPlace& place, const SoftMmu::RamPlace& second);
  Mode current_mode() const;
  void add_legacy_mode(Mode& mode, unsigned code_bits) const;
  // Before code is looked for: CS or the mode may have changed.
  void note_code_segment();
  void note_for_twin(MmuIndex index, JumpKey now);
  // Runs translated code until it leaves, or a block of it, after which it leaves if exit_request
  // is set. False if the next instruction has to be interpreted.
  bool run_translated(bool one_block = false);
  // Linear address and instruction pointer.
  u64 linear_of(u64 pointer) const;
  // Whether an access of 16- or 32-bit code runs over the end of its address space.
  bool wraps(u64 linear, u64 size) const {
    return jit_.pointer_mask != ~u64{0} && linear + size > u64{1} << 32;
  }
  u64 pointer_of(u64 linear) const { return (linear - jit_.code_base) & jit_.pointer_mask; }
  // Does a part of a repeated MOVS or STOS, in plain memory and within a page. False: the next
  // element is the interpreter's. In repeat_string.cpp.
  bool repeat_in_page(u32 form, u64& bytes);
  bool must_step() const;
  // Where the next instruction is, and whether a debugger wants to stop before it.
  u64 linear_instruction() const;
  bool at_stop() const;
  // An interrupt may be taken now, for all that a debugger wants.
  bool takes_interrupts() const { return step_ != DebugStep::Instruction || cpu_.halted(); }
  // A repetition is to stop behind each element, for a debugger to see it.
  void choose_elements();
  Exit stop_for_debugger(const DebugStop& stop);
  // Whether ring 3 of the current address space is to be the native tier's, as far as that may be.
  bool wants_native() const { return native_ != nullptr && native_->wants(state_.cr3); }
  // In it, and by the translator what it leaves out. False: the translator is to go on.
  bool run_native();
  NativeVcpu::Left enter_native();
  void run_one_block();
  // Runs blocks one by one, until ring 3 or the page of RIP is left. False: that takes long.
  bool leave_page();
  // What has come back to ring 3 leaves translated code, if the native tier is to have it.
  void offer_to_native() {
    if (wants_native()) jit_.exit_request.store(1, std::memory_order_relaxed);
  }
  // Makes what runs leave. Any thread.
  void request_exit();
  // Runs one instruction by the interpreter.
  void step();
  // The same of one that uses neither x87 nor vector registers: X86State::xsave need not be known.
  void step_general();
  enum class Registers : u8 { All, General };  // that an instruction may use
  // For take_native_fault(), on this thread.
  void note_running();
  bool inside() const { return (crossings_.load(std::memory_order_relaxed) & 1) != 0; }
  void go_inside();
  void go_outside();
  class Inside {
   public:
    explicit Inside(TcgVcpu& vcpu) : vcpu_(vcpu) { vcpu_.go_inside(); }
    ~Inside() { vcpu_.go_outside(); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    TcgVcpu& vcpu_;
  };
  // The x87's pointers: in X86State::xsave outside of translated code, in JitState inside. In
  // fast_state.cpp.
  void x87_pointers_to_state();
  void x87_pointers_from_state();
  void set_jit_x87_pointers(const x86::X87Pointers& pointers);
  void flags_to_state();
  void flags_from_state();
  void settle_flags();
  const u8* resume();
  // Gives back what was charged for the instructions of a block after the one at `return_pc`.
  void refund(const Block& block, unsigned executed);

  // In fast_paths.cpp, compiled without vector registers.
  static const u8* fast_memory(TcgVcpu* vcpu, u64 linear, u64 descriptor, const u8* return_pc);
  // In fast_fault.cpp, in the same way.
  bool fast_page_fault(u64 linear, u64 descriptor, const u8* return_pc);
  // In fast_system.cpp, in the same way. False: nothing was done.
  static u64 fast_system(TcgVcpu* vcpu, u64 form, u64 offset);
  void fast_syscall(u64 form, u64 offset);
  bool fast_sysret();
  bool fast_iret();
  bool fast_jump_far(u64 pointer);
  bool fast_write_cr0(u64 value);
  bool fast_write_cr3(u64 value);
  bool fast_invalidate_page(u64 linear);
  // `value`: the selector, if the form says so.
  bool fast_load_segment(u64 form, u64 value);
  void drop_from_stack(u64 bytes);
  bool fast_cpuid();
  // In fast_state.cpp, in the same way: XSAVE, XSAVEOPT and XSAVEC; XRSTOR.
  bool fast_save_state(u64 form, u64 linear);
  bool fast_restore_state(u64 form, u64 linear);
  bool requested_components(u64& requested) const;
  bool gdt_descriptor(u64 selector, u64& descriptor);
  u64 address_behind(u64 form, u64 offset) const;
  u64 fast_next();
  const u8* fast_crossing_read(u64 linear, u64 size, MmuIndex index);
  // True: what JitState::resume leads to does it.
  bool fast_crossing_write(u64 linear, u64 size, MmuIndex index, const u8* return_pc);
  static void fast_commit(TcgVcpu* vcpu);
  u8* beside_code(u64 size);
  u8* fast_write_place(u64 linear, u64 size, MmuIndex index);
  // Whether stores across pages have blocks of their own: such a block is one instruction more to
  // count and to trace.
  bool splits_stores() const { return !engine_.options.count_instructions && !tracing_; }
  static u64 fast_repeat(TcgVcpu* vcpu, u64 form, u64 offset);
  static const u8* fast_link(TcgVcpu* vcpu, u64 unused, u64 site);
  static const u8* fast_lookup(TcgVcpu* vcpu, u64 linear, u64 unused);
  const u8* resume_after_system();
  u64 slow_memory(u64 linear, u32 descriptor, const u8* return_pc, const u8** resume,
                  Registers registers);
  bool take_page_fault(u64 linear, u32 descriptor, Registers registers);
  bool take_fetch_fault();
  void deliver_page_fault(u64 linear, u32 error_code);
  const u8* interpret_at(u32 offset, Registers registers);
  const u8* repeat_string(u32 form, u32 offset);
  const u8* follow(u32 site);
  const u8* lookup(u64 linear);

  // CpuObserver
  void flush_tlb(bool globals) override;
  void address_space_switched(u64 old_cr3, u64 new_cr3, bool keep) override;
  void invalidate_address_space(u64 pcid) override;
  void invalidate_page_of(u64 pcid, u64 linear) override;
  void invalidate_page(u64 linear) override;

  Engine& engine_;
  X86Cpu& cpu_;
  X86State& state_;
  JitState& jit_;
  SoftMmu mmu_;
  x86::Interpreter interpreter_;
  GuestCode scan_;
  // Under which the jump cache of each TLB's code was filled.
  JumpKey signature_[kMmuCount];
  // Registers that decide the mode of all code, as they were then.
  struct Control {
    u64 cr0 = 0, cr4 = 0, efer = 0, xcr0 = 0;
    bool operator==(const Control&) const = default;
  };
  Control control_;
  std::atomic<bool> memory_changed_{false};
  std::atomic<bool> kicked_{false};
  std::atomic<u32> crossings_{0};  // to the inside and out again: odd while inside
  // Where translated code was last entered, and with which RF.
  struct {
    u64 rip = 0, resume_flag = 0;
  } entered_;
  // The instruction that X86State::interrupt_shadow is for. Translated code that goes on behind it
  // leaves the shadow as it is.
  u64 shadow_rip_ = 0;
  void end_stale_shadow() {
    if (state_.rip != shadow_rip_) state_.interrupt_shadow = x86::kNoShadow;
  }
  i32 budget_start_ = 0;
  // Every block that is entered is told of, so none leads to another by itself.
  const bool tracing_ = entries_are_traced();
  bool virtual_tsc_ = false;
  const FixedLeaves fixed_leaves_;
  const u32 vector_mask_;  // components that the host has
  DebugStep step_ = DebugStep::None;
  DebugStop debug_stop_;
  Counters counters_;
  u64 kernel_entries_ = 0;  // by SYSCALL and page faults
  std::unique_ptr<NativeVcpu> native_;
};

}  // namespace backplane::tcg
