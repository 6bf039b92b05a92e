// SPDX-License-Identifier: MIT
#include "vcpu.h"

#include <cstring>

#include "backplane/machine.h"
#include "engine.h"
#include "mmu/mmu_trace.h"
#include "runtime/native_faults.h"
#include "runtime/vector_mask.h"

namespace backplane::tcg {
namespace {

// The vCPU whose translated code runs on this thread, for the signal handler.
thread_local TcgVcpu* running_vcpu = nullptr;
thread_local Engine* running_engine = nullptr;

}  // namespace

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
    return v->slow_memory(linear, static_cast<u32>(descriptor), return_pc, resume);
  };
  h.memory_fast = fast_memory;
  h.commit = fast_commit;
  h.interpret = [](TcgVcpu* v, u64, u64 offset) {
    return v->interpret_at(static_cast<u32>(offset));
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

void TcgVcpu::put_state() { mmu_.flush(true); }

void TcgVcpu::watch(const std::vector<Watchpoint>& watched) {
  mmu_.watch(watched);
  choose_elements();
}

void TcgVcpu::set_step(DebugStep step) {
  step_ = step;
  choose_elements();
}

void TcgVcpu::choose_elements() {
  interpreter_.set_one_element(mmu_.watching() || step_ != DebugStep::None);
}

u64 TcgVcpu::linear_instruction() const {
  if (state_.code64()) return state_.rip;
  return static_cast<u32>(state_.seg[x86::CS].base + state_.rip);
}

// RF says that the instruction has begun before: a repetition that goes on, or one that faulted and
// is tried again. [SDM 3B "Instruction-Breakpoint Exception Condition"]
bool TcgVcpu::at_stop() const {
  return !engine_.stops.empty() && (state_.rflags & x86::kRF) == 0 &&
         engine_.stops.has(linear_instruction());
}

Vcpu::Exit TcgVcpu::stop_for_debugger(const DebugStop& stop) {
  debug_stop_ = stop;
  return Exit::Debug;
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

void TcgVcpu::flags_to_state() {
  state_.rflags = (state_.rflags & ~x86::kArithmeticFlags) | flags_from_saved(jit_.saved_flags) | 2;
}

// Goes on until the flags that a block has left behind, as what follows overwrites them, are
// overwritten. Nothing on the way faults.
void TcgVcpu::settle_flags() {
  jit_.flags_stale = 0;
  // While a debugger stops somewhere, blocks leave none such.
  if (!engine_.stops.empty()) return;
  const MmuIndex index = mmu_.current_index();
  for (unsigned n = 0; n < GuestCode::kLookAhead; ++n) {
    note_code_segment();
    const u64 linear = linear_of(state_.rip);
    const u8* host_pc = mmu_.code_pointer(linear, index);
    if (host_pc == nullptr) return;
    const unsigned offset = static_cast<unsigned>(linear & ~kPageMask);
    const GuestBytes bytes{host_pc - offset, nullptr};
    const FeatureMask features = engine_.options.features;
    if (scan_.flags_wanted_at(bytes, offset, current_mode(), features) != 0) return;
    step();
  }
}

void TcgVcpu::flags_from_state() { load_flags(jit_, state_.rflags); }

Mode TcgVcpu::current_mode() const {
  Mode mode;
  mode.bits = mmu_.current_index();
  if ((state_.cr0 & (x86::kCr0EM | x86::kCr0TS)) == 0) {
    mode.bits |= Mode::kX87;
    if ((state_.cr0 & x86::kCr0NE) == 0) mode.bits |= Mode::kFerr;
    if ((state_.cr4 & x86::kCr4OSFXSR) != 0) mode.bits |= Mode::kSse;
    if ((state_.cr4 & x86::kCr4OSXSAVE) != 0 && (state_.xcr0 & 6) == 6 && state_.protected_mode())
      mode.bits |= Mode::kAvx;
  }
  const unsigned cpl = state_.cpl();
  if (cpl == 0) mode.bits |= Mode::kRing0;
  if ((cpl == 0 || (state_.cr4 & x86::kCr4TSD) == 0) && !virtual_tsc_) mode.bits |= Mode::kTsc;
  if ((state_.cr4 & x86::kCr4SMAP) != 0) mode.bits |= Mode::kSmap;
  if ((state_.cr4 & x86::kCr4FSGSBASE) != 0) mode.bits |= Mode::kFsGsBase;
  const unsigned code_bits = state_.code_bits();
  if (code_bits != 64) add_legacy_mode(mode, code_bits);
  return mode;
}

void TcgVcpu::add_legacy_mode(Mode& mode, unsigned code_bits) const {
  mode.bits |= code_bits == 32 ? Mode::kCode32 : Mode::kCode16;
  const x86::Segment& code = state_.seg[x86::CS];
  if (code.base != 0 || code.limit != 0xffffffff) mode.bits |= Mode::kCodeBased;
  const bool small_stack = !state_.seg[x86::SS].big();
  if (small_stack) mode.bits |= Mode::kStack16;
  for (unsigned n = 0; n < 6; ++n) {
    const x86::Segment& s = state_.seg[n];
    // Rights count in protected mode. An expand-down segment's limit is the other way around.
    constexpr unsigned kWritable = 2, kExpandDown = 4;
    const bool usable = (state_.cr0 & x86::kCr0PE) == 0
                            ? (s.type() & (8 | kExpandDown)) != kExpandDown
                            : s.present() && !s.is_system() && !s.is_code() &&
                                  (s.type() & (kWritable | kExpandDown)) == kWritable;
    if (!usable || s.limit < 0xffff) continue;
    mode.set_segment(n, s.limit != 0xffffffff ? SegmentKind::Small
                        : s.base != 0         ? SegmentKind::Based
                                              : SegmentKind::Flat);
  }
  // 32-bit code on a 16-bit stack is too rare to be translated.
  if (code_bits == 32 && small_stack) mode.bits &= ~(u32{3} << (Mode::kSegmentShift + 2 * x86::SS));
}

// What depends on CS, and on the mode: a jump cache holds blocks of one.
void TcgVcpu::note_code_segment() {
  const unsigned code_bits = state_.code_bits();
  jit_.code_base = code_bits == 64 ? 0 : state_.seg[x86::CS].base;
  jit_.pointer_mask = code_bits == 64 ? ~u64{0} : code_bits == 32 ? 0xffffffff : 0xffff;
  const MmuIndex index = mmu_.current_index();
  const Control control{state_.cr0, state_.cr4, state_.efer, state_.xcr0};
  if (control != control_) {
    control_ = control;
    for (CodeSignature& signature : signature_) signature = {};
    for (unsigned n = 0; n < kMmuCount; ++n) mmu_.forget_jumps(static_cast<MmuIndex>(n));
  }
  const CodeSignature now{current_mode().bits, jit_.code_base};
  if (now == signature_[index]) return;
  if (signature_[index].mode != kNoMode) mmu_.forget_jumps(index);
  signature_[index] = now;
}

u64 TcgVcpu::linear_of(u64 pointer) const {
  const u64 linear = pointer + jit_.code_base;
  return jit_.pointer_mask == ~u64{0} ? linear : linear & 0xffffffff;
}

// True if the next instruction is for the interpreter, whatever it is.
bool TcgVcpu::must_step() const {
  const unsigned code_bits = state_.code_bits();
  // Within such limits every jump leads to an address that may be executed.
  if (code_bits != 64 && state_.seg[x86::CS].limit < (code_bits == 32 ? 0xffffffff : 0xffff))
    return true;
  // The interpreter checks alignment.
  if ((state_.rflags & x86::kAC) != 0 && (state_.cr0 & x86::kCr0AM) != 0 && state_.cpl() == 3)
    return true;
  return (state_.rflags & x86::kTF) != 0 || state_.interrupt_shadow != x86::kNoShadow ||
         state_.debug_traps != 0 || (state_.dr[7] & 0xff) != 0 ||
         // A block longer than what is left would not run: reach the end of it one by one.
         (engine_.options.count_instructions &&
          jit_.budget < static_cast<i32>(engine_.options.limits.instructions));
}

Vcpu::Exit TcgVcpu::run() {
  running_vcpu = this;
  running_engine = &engine_;
  const x86::Context context{cpu_, mmu_};
  for (;;) {
    jit_.exit_request.store(0, std::memory_order_relaxed);
    if (mmu_.was_hit()) [[unlikely]]
      return stop_for_debugger(*mmu_.take_watch_hit());
    if (kicked_.exchange(false, std::memory_order_acq_rel)) return Exit::Kicked;
    if (memory_changed_.exchange(false)) mmu_.flush(true);
    if (state_.shutdown != 0) return Exit::Stopped;
    if (native_ != nullptr && cpu_.interrupt_request() != 0 && state_.cpl() == 3)
      native_->note_interrupt(kernel_entries_);
    if (cpu_.interrupt_request() != 0 && state_.interrupt_shadow == 0 && takes_interrupts() &&
        x86::service_interrupts(context) && step_ != DebugStep::None)
      return stop_for_debugger({});
    jit_.interrupt_waiting = cpu_.interrupt_request() != 0 ? 1 : 0;
    if (cpu_.halted()) {
      if (!cpu_.has_work()) return Exit::Halted;
      if (state_.wait_for_sipi != 0) return Exit::Halted;
      cpu_.set_halted(false);
    }
    if (engine_.options.count_instructions && jit_.budget <= 0) return Exit::Slice;
    if (step_ != DebugStep::None) [[unlikely]] {
      step();
      return stop_for_debugger(mmu_.take_watch_hit().value_or(DebugStop{}));
    }
    if (at_stop()) [[unlikely]]
      return stop_for_debugger({DebugStop::Reason::Code, linear_instruction(), {}});
    if (must_step()) {
      step();
      continue;
    }
    if (wants_native() && state_.cpl() == 3 && run_native()) continue;
    if (run_translated()) {
      if (jit_.flags_stale != 0) settle_flags();
    } else if (!take_fetch_fault()) {
      step();
    }
  }
}

bool TcgVcpu::run_translated(bool one_block) {
  const Inside inside(*this);
  const u8* code = code_at_rip(one_block);
  if (code == nullptr) return false;
  flags_from_state();
  x87_pointers_from_state();
  ++counters_.entries;
  engine_.stubs.enter(&state_, code);
  x87_pointers_to_state();
  flags_to_state();
  // Unless it left before that instruction, or between the elements of a repeated one.
  if (state_.rip == entered_.rip) state_.rflags |= entered_.resume_flag;
  return true;
}

void TcgVcpu::step() {
  const bool was_inside = inside();
  if (was_inside) x87_pointers_to_state();
  const Outside outside(*this);
  ++counters_.interpreted;
  if (engine_.options.count_instructions) --jit_.budget;
  switch (interpreter_.step()) {
    case x86::Interpreter::Step::Done:
    case x86::Interpreter::Step::Exception:
      break;
    case x86::Interpreter::Step::Halted:
      cpu_.set_halted(true);
      [[fallthrough]];
    case x86::Interpreter::Step::Shutdown:
      jit_.exit_request.store(1, std::memory_order_relaxed);
      break;
  }
  mmu_.report_writes();
  if (was_inside) x87_pointers_from_state();
}

const u8* TcgVcpu::code_at_rip(bool one_block) {
  note_code_segment();
  const u64 linear = linear_of(state_.rip);
  Block* block = find_or_translate(linear);
  if (block == nullptr) return nullptr;
  // The first instruction clears it; breakpoints, which it is for, are the interpreter's.
  entered_ = {state_.rip, state_.rflags & x86::kRF};
  state_.rflags &= ~x86::kRF;
  if (tracing_) trace_entry(cpu_, block->mode);
  jit_.page_base = linear & kPageMask;
  return engine_.cache.assembler().executable(one_block ? block->behind_check : block->entry);
}

Block* TcgVcpu::find_or_translate(u64 linear, u32 kind) {
  // What goes on in a block of its own has begun.
  if (kind == 0 && at_stop()) [[unlikely]]
    return nullptr;
  const MmuIndex index = mmu_.current_index();
  const u8* host_pc = mmu_.code_pointer(linear, index);
  if (host_pc == nullptr) return nullptr;
  const u64 offset = linear & ~kPageMask;
  GuestBytes bytes;
  bytes.page = host_pc - offset;
  // Not under the lock: to mark the page as accessed may be to write to a page with code.
  if (kPageSize - offset < kLongestInsn)
    bytes.next_page = mmu_.code_pointer((linear & kPageMask) + kPageSize, index);
  std::unique_lock guard(engine_.cache.lock());
  Mode mode = current_mode();
  mode.bits |= kind;
  Block* block = engine_.cache.find(host_pc, mode);
  if (block == nullptr) block = translate(host_pc, bytes, mode, guard);
  if (block == nullptr) return nullptr;
  if (block->second_page != nullptr) {
    // The bytes past the page end must still come from where they came from, and the block looks
    // into the jump cache for that.
    if (bytes.next_page != block->second_page || !remembers(linear)) return nullptr;
    mmu_.note_executed(linear + kPageSize, index);
  }
  if (kind != 0)
    mmu_.note_executed(linear, index);
  else
    remember(*block, linear, index);
  return block;
}

Block* TcgVcpu::translate(const u8* host_pc, const GuestBytes& bytes, Mode mode,
                          std::unique_lock<CacheLock>& guard) {
  CodeCache& cache = engine_.cache;
  const SoftMmu::RamPlace place = mmu_.place_of(bytes.page);
  SoftMmu::RamPlace second;
  if (bytes.next_page != nullptr) second = mmu_.place_of(bytes.next_page);
  if (place.block == nullptr) return nullptr;

  // Writers must report before the bytes are read.
  engine_.protect_code_page(bytes.page, *place.block, place.offset);
  if (second.block != nullptr)
    engine_.protect_code_page(bytes.next_page, *second.block, second.offset);
  Block* block = nullptr;
  if (settle_page(bytes, place, second, guard)) {
    block = cache.find(host_pc, mode);
    if (block == nullptr) block = translate_settled(host_pc, bytes, mode, place, second);
  }
  // Of a page without a block, writes need not be reported.
  engine_.forget_if_unused(bytes.page, *place.block, place.offset);
  if (second.block != nullptr)
    engine_.forget_if_unused(bytes.next_page, *second.block, second.offset);
  return block;
}

// Makes sure that nobody can write to the pages unseen. False if it would take another try.
bool TcgVcpu::settle_page(const GuestBytes& bytes, const SoftMmu::RamPlace& place,
                          const SoftMmu::RamPlace& second, std::unique_lock<CacheLock>& guard) {
  const u64 mark = engine_.unsettled_mark(bytes.page);
  const u64 next_mark = second.block != nullptr ? engine_.unsettled_mark(bytes.next_page) : 0;
  if (mark == 0 && next_mark == 0) return true;
  guard.unlock();
  {
    const Outside outside(*this);
    engine_.wait_for_others(*this);
  }
  guard.lock();
  const bool first_settled = engine_.settle_code_page(bytes.page, *place.block, place.offset, mark);
  return (second.block == nullptr ||
          engine_.settle_code_page(bytes.next_page, *second.block, second.offset, next_mark)) &&
         first_settled;
}

Block* TcgVcpu::translate_settled(const u8* host_pc, const GuestBytes& bytes, Mode mode,
                                  const SoftMmu::RamPlace& place, const SoftMmu::RamPlace& second) {
  CodeCache& cache = engine_.cache;
  if (cache.full()) {
    engine_.flush_wanted = true;
    jit_.exit_request.store(1, std::memory_order_relaxed);
    return nullptr;
  }
  const unsigned offset = static_cast<unsigned>(host_pc - bytes.page);
  ScanLimits limits = engine_.options.limits;
  if (mode.split()) limits.instructions = 1;
  scan_.scan(bytes, offset, mode, limits, engine_.options.features);
  if (scan_.insns().empty()) return nullptr;
  if (mode.split() && (!may_be_split(scan_.insns().front().insn) || scan_.end() > kPageSize))
    return nullptr;
  if (scan_.insns().front().insn.row.op == Op::Interpret && scan_.end() > kPageSize) return nullptr;
  Block& block = engine_.translator.translate(scan_, bytes, mode);
  trace_translation(scan_, bytes, block, state_.rip, cache.assembler());
  if (engine_.profile != nullptr) {
    const auto code = [&](u32 begin, u32 end) {
      return std::span(cache.assembler().executable(begin), end - begin);
    };
    engine_.profile->block_made(state_.rip, code(block.begin, block.end),
                                code(block.cold_begin, block.cold_end));
  }
  cache.publish(block, place.block, place.offset,
                block.second_page != nullptr ? second.block : nullptr, second.offset);
  return &block;
}

// After something that may have changed RIP, mode or interrupts: where to go on.
const u8* TcgVcpu::resume() {
  if (jit_.exit_request.load(std::memory_order_relaxed) != 0 || must_step() ||
      (cpu_.interrupt_request() != 0 && cpu_.has_work()) ||
      (engine_.options.count_instructions && jit_.budget <= 0)) {
    flags_from_state();
    return nullptr;
  }
  const u8* code = code_at_rip();
  flags_from_state();
  return code;
}

const u8* TcgVcpu::resume_after_system() {
  flags_to_state();
  return resume();
}

void TcgVcpu::refund(const Block& block, unsigned executed) {
  if (engine_.options.count_instructions)
    jit_.budget += static_cast<i32>(block.instructions - executed);
}

const u8* TcgVcpu::interpret_at(u32 offset) {
  state_.rip = pointer_of(jit_.page_base + offset);
  flags_to_state();
  // step() charges the instruction by itself.
  if (engine_.options.count_instructions) ++jit_.budget;
  const bool in_kernel = state_.cpl() != 3;
  step();
  if (in_kernel && state_.cpl() == 3) offer_to_native();
  return resume();
}

const u8* TcgVcpu::follow(u32 index) {
  CodeCache& cache = engine_.cache;
  const u64 from_page = jit_.page_base;
  u64 flushes = 0;
  i32 distance = 0;
  bool apart = false;
  {
    const std::lock_guard guard(cache.lock());
    flushes = cache.counters().flushes;
    distance = cache.site(index).target;
    apart = cache.site(index).apart;
  }
  const u64 target = from_page + static_cast<u64>(static_cast<i64>(distance));
  state_.rip = pointer_of(target);
  // Instructions were done, though the jump may lead to where they began.
  if (!apart) entered_.resume_flag = 0;
  // Where it is unless the instruction pointer wrapped around.
  const u64 linear = linear_of(state_.rip);
  Block* block = find_or_translate(linear, apart ? Mode::kApart : 0);
  if (block == nullptr || jit_.exit_request.load(std::memory_order_relaxed) != 0) {
    jit_.flags_stale = 1;
    return nullptr;
  }
  if (tracing_) {
    flags_to_state();
    trace_entry(cpu_, block->mode);
  }
  const std::lock_guard guard(cache.lock());
  // To translate may be to wait outside, where the site may have gone.
  if (flushes == cache.counters().flushes && !tracing_ && !engine_.stops.begins_block(linear)) {
    JumpSite& site = cache.site(index);
    const bool reachable = block->valid && site.from->valid && linear == target;
    if (reachable && site.tag == 0) {
      cache.link(site, *block);
    } else if (reachable && (site.target_pc == nullptr || site.target_pc == block->host_pc ||
                             engine_.vcpus.size() == 1)) {
      // Another vCPU may be between the comparison of the tag and the jump: for it, the target is
      // where it was when the tag was set.
      cache.link(site, *block);
      cache.set_tag(site, from_page ^ jit_.site_generation[block->mode.mmu_index()]);
    }
  }
  jit_.page_base = linear & kPageMask;
  return cache.assembler().executable(block->entry);
}

const u8* TcgVcpu::lookup(u64 linear) {
  ++counters_.lookups;
  state_.rip = pointer_of(linear);
  if (tracing_) flags_to_state();
  const u8* code = code_at_rip();
  if (code == nullptr) jit_.flags_stale = 1;
  return code;
}

u64 TcgVcpu::slow_memory(u64 linear, u32 descriptor, const u8* return_pc, const u8** resume_code) {
  ++counters_.slow_accesses;
  const unsigned size = descriptor & AccessDescriptor::kSizeMask;
  const bool write = (descriptor & AccessDescriptor::kWrite) != 0;
  const MmuIndex index = AccessDescriptor::mmu_index(descriptor);
  const bool crosses = (linear & ~kPageMask) + size > kPageSize;
  bool faults = crosses;  // perhaps
  if (!crosses) {
    const SoftMmu::Target t = mmu_.resolve(linear, write ? Access::Write : Access::Read, index);
    // Where no code is, another vCPU may make some before the write.
    if (t.host != nullptr && !t.watched &&
        !(t.has_code && (engine_.vcpus.size() > 1 || engine_.cache.has_code_locked(t.host, size))))
      return reinterpret_cast<u64>(t.host);
    faults = t.faulted;
  } else if (!write && !wraps(linear, size)) {
    const unsigned first = static_cast<unsigned>(kPageSize - (linear & ~kPageMask));
    const SoftMmu::Target low = mmu_.resolve(linear, Access::Read, index);
    const SoftMmu::Target high = mmu_.resolve(linear + first, Access::Read, index);
    if (low.host != nullptr && high.host != nullptr && !low.watched && !high.watched) {
      u8* bounce = jit_.bounce_for(linear);
      std::memcpy(bounce, low.host, first);
      std::memcpy(bounce + first, high.host, size - first);
      return reinterpret_cast<u64>(bounce);
    }
  }
  // Devices, faults, writes to code and across pages: the interpreter does this instruction.
  CodeCache& cache = engine_.cache;
  {
    const std::lock_guard guard(cache.lock());
    const u32 at = cache.assembler().buffer().offset_of(return_pc) - 1;
    const Block* block = cache.block_at(at);
    const CodePoint* point = cache.point_at(*block, at);
    state_.rip = pointer_of(jit_.page_base + point->guest);
    refund(*block, point->index);
  }
  flags_to_state();
  // The next time without the interpreter.
  if (crosses && write && splits_stores()) find_or_translate(linear_of(state_.rip), Mode::kSplit);
  if (!faults || !take_page_fault(linear, descriptor)) step();
  *resume_code = resume();
  return 0;
}

// The page fault that the interpreter would raise for the access, if that is sure, without its
// looking at the instruction and throwing.
bool TcgVcpu::take_page_fault(u64 linear, u32 descriptor) {
  const auto first = AccessDescriptor::faulting(linear, descriptor);
  if (!first.sure) return false;
  const SoftMmu::Target t = mmu_.resolve(first.linear, first.write ? Access::Write : Access::Read,
                                         AccessDescriptor::mmu_index(descriptor));
  if (!t.faulted || !t.canonical) return false;
  x87_pointers_to_state();
  {
    const Outside outside(*this);
    deliver_page_fault(first.linear, t.fault);
  }
  x87_pointers_from_state();
  return true;
}

// The same for the first byte of an instruction.
bool TcgVcpu::take_fetch_fault() {
  if (!state_.code64()) return false;
  const SoftMmu::Target t = mmu_.resolve(state_.rip, Access::Execute, mmu_.current_index());
  if (!t.faulted || !t.canonical) return false;
  deliver_page_fault(state_.rip, t.fault);
  return true;
}

void TcgVcpu::deliver_page_fault(u64 linear, u32 error_code) {
  if (engine_.options.count_instructions) --jit_.budget;
  ++counters_.page_faults;
  ++kernel_entries_;
  x86::deliver_exception({cpu_, mmu_}, {x86::kPFVector, true, error_code, linear});
  if (state_.shutdown != 0) jit_.exit_request.store(1, std::memory_order_relaxed);
  mmu_.report_writes();
}

const u8* TcgVcpu::take_native_fault(const void* pc, u64 rflags, u32& offset) {
  if (running_engine == nullptr) return nullptr;
  CodeCache& cache = running_engine->cache;
  if (!cache.assembler().buffer().contains(pc)) return nullptr;
  const u32 at = cache.assembler().buffer().offset_of(pc);
  // The thread was in translated code, so it holds no lock of ours.
  const std::lock_guard guard(cache.lock());
  const Block* block = cache.block_at(at);
  const CodePoint* point = block != nullptr ? cache.point_at(*block, at) : nullptr;
  if (point == nullptr) return nullptr;
  offset = point->guest;
  running_vcpu->refund(*block, point->index + 1u);
  if (point->flags > CodePoint::kFlagsInHost) return cache.assembler().executable(point->flags);
  if (point->flags == CodePoint::kFlagsInHost)
    running_vcpu->jit_.saved_flags = flags_to_saved(rflags);
  return running_engine->stubs.native_fault;
}

}  // namespace backplane::tcg
