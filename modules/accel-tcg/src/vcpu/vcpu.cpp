// SPDX-License-Identifier: MIT
#include "vcpu/vcpu.h"

#include "backplane/machine.h"
#include "engine.h"
#include "mmu/mmu_trace.h"
#include "runtime/native_faults.h"
#include "runtime/vector_mask.h"

namespace backplane::tcg {

TcgVcpu::TcgVcpu(Engine& engine, X86Cpu& cpu)
    : engine_(engine),
      cpu_(cpu),
      state_(cpu.state()),
      jit_(jit_state(cpu)),
      mmu_(cpu, engine.memory, engine.cache),
      interpreter_(cpu, mmu_),
      fixed_leaves_(cpu),
      vector_mask_(host_vector_mask()) {
  jit_.vcpu = this;
  jit_.index_mask = u64{kTlbEntries - 1} << 12;
  jit_.page_mask = kPageMask;
  jit_.offset_mask = ~kPageMask;
  virtual_tsc_ = cpu.machine().virtual_clock().follows_instructions();
  cpu.set_observer(this);
  engine.options.features &= FeatureMask(cpu.features());
  engine.vcpus.push_back(this);
}

TcgVcpu::~TcgVcpu() {
  cpu_.set_observer(nullptr);
  std::erase(engine_.vcpus, this);
}

Helpers TcgVcpu::helpers() {
  Helpers h;
  h.memory = [](TcgVcpu* v, u64 linear, u64 descriptor, const u8* return_pc, const u8** resume) {
    return v->slow_memory(linear, static_cast<u32>(descriptor), return_pc, resume, Registers::All);
  };
  h.memory_general = [](TcgVcpu* v, u64 linear, u64 descriptor, const u8* return_pc,
                        const u8** resume) {
    return v->slow_memory(linear, static_cast<u32>(descriptor), return_pc, resume,
                          Registers::General);
  };
  h.memory_fast = fast_memory;
  h.commit = fast_commit;
  h.interpret = [](TcgVcpu* v, u64, u64 offset) {
    return v->interpret_at(static_cast<u32>(offset), Registers::All);
  };
  h.interpret_general = [](TcgVcpu* v, u64, u64 offset) {
    return v->interpret_at(static_cast<u32>(offset), Registers::General);
  };
  h.repeat = [](TcgVcpu* v, u64 form, u64 offset) {
    return v->repeat_string(static_cast<u32>(form), static_cast<u32>(offset));
  };
  h.repeat_fast = fast_repeat;
  h.system = fast_system;
  h.resume = [](TcgVcpu* v, u64, u64) { return v->resume_after_system(); };
  h.link = [](TcgVcpu* v, u64, u64 site) { return v->follow(static_cast<u32>(site)); };
  h.link_fast = fast_link;
  h.lookup_fast = fast_lookup;
  h.lookup = [](TcgVcpu* v, u64 linear, u64) { return v->lookup(linear); };
  return h;
}

void TcgVcpu::thread_started() {
  install_native_fault_handlers();
  use_alternate_signal_stack();
}

void TcgVcpu::put_state() {
  shadow_rip_ = state_.rip;  // a state that was loaded may have one
  mmu_.flush(true);
}

void TcgVcpu::flush_tlb(bool globals) {
  if (mmu_.traced()) trace_flush(cpu_, globals);
  mmu_.flush(globals);
}

void TcgVcpu::address_space_switched(u64 /*old_cr3*/, u64 new_cr3, bool keep) {
  if (mmu_.traced()) trace_flush(cpu_, false);
  mmu_.switch_space(new_cr3 & SoftMmu::kPcidMask, keep);
}

void TcgVcpu::invalidate_address_space(u64 pcid) { mmu_.flush_space(pcid); }

void TcgVcpu::invalidate_page_of(u64 pcid, u64 linear) {
  if (mmu_.traced()) trace_page_flush(cpu_, linear);
  mmu_.flush_page_of(pcid, linear);
}

void TcgVcpu::invalidate_page(u64 linear) {
  if (mmu_.traced()) trace_page_flush(cpu_, linear);
  mmu_.flush_page(linear);
}

void TcgVcpu::request_exit() {
  jit_.exit_request.store(1, std::memory_order_seq_cst);
  if (native_ != nullptr) native_->kick();
}

void TcgVcpu::kick() {
  kicked_.store(true, std::memory_order_release);
  request_exit();
}

void TcgVcpu::memory_changed() {
  memory_changed_.store(true, std::memory_order_release);
  request_exit();
}

u64 TcgVcpu::ask_to_leave() {
  const u32 seen = crossings_.load(std::memory_order_seq_cst);
  if ((seen & 1) != 0) request_exit();
  return seen;
}

void TcgVcpu::wait_until_outside() {
  const auto asked = static_cast<u32>(ask_to_leave());
  if ((asked & 1) != 0) crossings_.wait(asked, std::memory_order_acquire);
}

void TcgVcpu::go_inside() {
  for (;;) {
    crossings_.fetch_add(1, std::memory_order_seq_cst);
    // Who flushes waits for those that it finds inside; the others find this.
    if (!engine_.flush_wanted.load(std::memory_order_seq_cst)) return;
    go_outside();
    engine_.flush_code();
  }
}

void TcgVcpu::go_outside() {
  crossings_.fetch_add(1, std::memory_order_seq_cst);
  crossings_.notify_all();
}

}  // namespace backplane::tcg
