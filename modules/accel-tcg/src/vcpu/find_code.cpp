// SPDX-License-Identifier: MIT
// From an address to host code: what is there, what is made, and links to it.
#include <mutex>

#include "engine.h"
#include "translate/insn_properties.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {

const u8* TcgVcpu::code_at_rip(Entry entry) {
  note_code_segment();
  const u64 linear = linear_of(state_.rip);
  const u8* code =
      entry == Entry::Remembered ? remembered_code(linear, mmu_.current_index()) : nullptr;
  if (code == nullptr) {
    const Block* const block = find_or_translate(linear);
    if (block == nullptr) return nullptr;
    if (tracing_) trace_entry(cpu_, block->mode);
    code = engine_.cache.assembler().executable(entry == Entry::OneBlock ? block->behind_check
                                                                         : block->entry);
  }
  // The first instruction clears it; breakpoints, which it is for, are the interpreter's.
  entered_ = {state_.rip, state_.rflags & x86::kRF};
  state_.rflags &= ~x86::kRF;
  jit_.page_base = linear & kPageMask;
  return code;
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

const u8* TcgVcpu::lookup(u64 linear) {
  ++counters_.lookups;
  state_.rip = pointer_of(linear);
  if (tracing_) flags_to_state();
  const u8* code = code_at_rip(Entry::LookedUp);
  if (code == nullptr) {
    jit_.flags_stale = 1;
    // A block that went may have led here, being remembered still: what is there now is for the
    // interpreter, which would never have its turn.
    jit_.jumps[jump_cache_index(linear_of(state_.rip))].tag = ~u64{0};
  }
  return code;
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

}  // namespace backplane::tcg
