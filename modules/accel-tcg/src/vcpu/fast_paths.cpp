// SPDX-License-Identifier: MIT
// Compiled without vector registers: translated code calls it with the guest's in place.
#include <mutex>

#include "vcpu/vcpu.h"

namespace backplane::tcg {
namespace {

constexpr u64 kWord = 8;

void copy_word(u8* to, const u8* from) { __builtin_memcpy(to, from, kWord); }

void copy_bytes(u8* to, const u8* from, u64 size) {
  for (; size >= kWord; size -= kWord, to += kWord, from += kWord) copy_word(to, from);
  for (; size != 0; --size) *to++ = *from++;
}

// Bytes of two pages, the first of them at `low` and those behind at `high`. Words are copied: some
// bytes before the first and behind the last come along, from the same pages.
void gather(u8* to, const u8* low, const u8* high, u64 in_low, u64 size) {
  for (u64 left = in_low; static_cast<i64>(left) > 0; left -= kWord)
    copy_word(to + left - kWord, low + left - kWord);
  for (u64 done = in_low; done < size; done += kWord) copy_word(to + done, high + done - in_low);
}

// Forwards, element by element: each may read what the one before it wrote.
void copy_elements(u8* to, const u8* from, u64 size, unsigned element) {
  // Without an overlap nobody can tell elements from bytes, which the processor is good at.
  if (static_cast<u64>(to - from) >= size) element = 1;
  u64 count = size / element;
  switch (element) {
    case 1:
      asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
      return;
    case 2:
      asm volatile("rep movsw" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
      return;
    case 4:
      asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
      return;
    default:
      asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
      return;
  }
}

void fill_elements(u8* to, u64 value, u64 size, unsigned element) {
  u64 count = size / element;
  switch (element) {
    case 1:
      asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
      return;
    case 2:
      asm volatile("rep stosw" : "+D"(to), "+c"(count) : "a"(value) : "memory");
      return;
    case 4:
      asm volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(value) : "memory");
      return;
    default:
      asm volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(value) : "memory");
      return;
  }
}

}  // namespace

const u8* TcgVcpu::fast_memory(TcgVcpu* vcpu, u64 linear, u64 descriptor, const u8* return_pc) {
  const u64 size = descriptor & AccessDescriptor::kSizeMask;
  const bool write = (descriptor & AccessDescriptor::kWrite) != 0;
  const MmuIndex index = AccessDescriptor::mmu_index(descriptor);
  if ((linear & ~kPageMask) + size > kPageSize) {
    if (vcpu->wraps(linear, size)) return nullptr;
    if (!write) return vcpu->fast_crossing_read(linear, size, index);
    if (!vcpu->fast_crossing_write(linear, size, index, return_pc)) return nullptr;
    return reinterpret_cast<const u8*>(Helpers::kElsewhere);
  }
  u32 fault = 0;
  const u8* const host = vcpu->mmu_.resolve_fast(linear, write, index, &fault);
  if (host != nullptr) return host;
  if (fault == 0) return vcpu->beside_code(size);
  if (!vcpu->fast_page_fault(linear, descriptor, return_pc)) return nullptr;
  return reinterpret_cast<const u8*>(Helpers::kElsewhere);
}

// Of a write that was just refused: where it goes if all that hinders it is code elsewhere in the
// page. With several vCPUs there may be some in its bytes before it is done.
u8* TcgVcpu::beside_code(u64 size) {
  u8* const host = mmu_.code_place();
  if (host == nullptr || engine_.vcpus.size() > 1 || engine_.cache.has_code_locked(host, size))
    return nullptr;
  return host;
}

u8* TcgVcpu::fast_write_place(u64 linear, u64 size, MmuIndex index) {
  u8* const host = mmu_.write_pointer_fast(linear, index);
  return host != nullptr ? host : beside_code(size);
}

// A copy of bytes of two pages, with the alignment of the guest's address.
const u8* TcgVcpu::fast_crossing_read(u64 linear, u64 size, MmuIndex index) {
  const u64 second_page = (linear & kPageMask) + kPageSize;
  const u64 in_first = second_page - linear;
  if (size > kBounceSize / 2) return nullptr;
  const u8* const low = mmu_.read_pointer_fast(linear, index);
  if (low == nullptr) return nullptr;
  const u8* const high = mmu_.read_pointer_fast(second_page, index);
  if (high == nullptr) return nullptr;
  u8* const bounce = jit_.bounce_for(linear);
  gather(bounce, low, high, in_first, size);
  return bounce;
}

// The instruction has a block of its own, which does it to a copy of the bytes: from here to the
// end of that block the vCPU stays inside, so what was looked up holds.
bool TcgVcpu::fast_crossing_write(u64 linear, u64 size, MmuIndex index, const u8* return_pc) {
  const u64 second_page = (linear & kPageMask) + kPageSize;
  const u64 in_first = second_page - linear;
  if (size > kBounceSize / 2 || !splits_stores()) return false;
  u8* const low = fast_write_place(linear, in_first, index);
  if (low == nullptr) return false;
  u8* const high = fast_write_place(second_page, size - in_first, index);
  if (high == nullptr) return false;
  CodeCache& cache = engine_.cache;
  {
    const std::lock_guard guard(cache.lock());
    const u32 at = cache.assembler().buffer().offset_of(return_pc) - 1;
    const Block& block = *cache.block_at(at);
    Mode mode = block.mode;
    mode.bits = (mode.bits & ~Mode::kApart) | Mode::kSplit;
    const CodeCache::Place* const place =
        cache.find_place(block.host_pc - block.offset + cache.point_at(block, at)->guest, mode);
    if (place == nullptr) return false;
    jit_.resume = cache.assembler().executable(place->entry);
  }
  u8* const bounce = jit_.bounce_for(linear);
  gather(bounce, low, high, in_first, size);
  jit_.split = {bounce, low, high, static_cast<u32>(in_first), static_cast<u32>(size)};
  return true;
}

void TcgVcpu::fast_commit(TcgVcpu* vcpu) {
  const SplitStore& store = vcpu->jit_.split;
  copy_bytes(store.low, store.bounce, store.in_low);
  copy_bytes(store.high, store.bounce + store.in_low, store.size - store.in_low);
}

u64 TcgVcpu::fast_repeat(TcgVcpu* vcpu, u64 form, u64) {
  JitState& jit = vcpu->jit_;
  u64* const gpr = vcpu->state_.gpr;
  const unsigned element = form & RepeatForm::kElementMask;
  const bool moves = (form & RepeatForm::kMoves) != 0;
  if (!RepeatForm::plain(static_cast<u32>(form)) || jit.direction < 0) return 0;
  // More is done in parts that the instruction counter sees.
  if (gpr[x86::RCX] >= RepeatForm::kCountedPart / element) return 0;
  const MmuIndex index = vcpu->mmu_.current_index();
  while (gpr[x86::RCX] != 0) {
    const u64 to = gpr[x86::RDI];
    const u64 from = gpr[x86::RSI];
    u64 size = gpr[x86::RCX] * element;
    const auto end_at_page = [&size](u64 linear) {
      const u64 left = kPageSize - (linear & ~kPageMask);
      if (size > left) size = left;
    };
    end_at_page(to);
    if (moves) end_at_page(from);
    size &= ~u64{element - 1u};
    // An element that is in two pages; or somebody wants the vCPU to leave.
    if (size == 0 || jit.exit_request.load(std::memory_order_relaxed) != 0) return 0;
    u8* const host = vcpu->mmu_.write_pointer_fast(to, index);
    if (host == nullptr) return 0;
    if (moves) {
      const u8* const source = vcpu->mmu_.read_pointer_fast(from, index);
      if (source == nullptr) return 0;
      copy_elements(host, source, size, element);
      gpr[x86::RSI] = from + size;
    } else {
      fill_elements(host, gpr[x86::RAX], size, element);
    }
    gpr[x86::RDI] = to + size;
    gpr[x86::RCX] -= size / element;
  }
  return 1;
}

// A jump to another page whose target was known under another mapping of the pages: if they are the
// same again, the link is good again.
const u8* TcgVcpu::fast_link(TcgVcpu* vcpu, u64, u64 index) {
  JitState& jit = vcpu->jit_;
  if (jit.exit_request.load(std::memory_order_relaxed) != 0) return nullptr;
  CodeCache& cache = vcpu->engine_.cache;
  const std::lock_guard guard(cache.lock());
  JumpSite& site = cache.site(static_cast<u32>(index));
  if (site.to == nullptr || site.tag == 0 || site.apart || site.to->second_page != nullptr)
    return nullptr;
  const Block& block = *site.to;
  const u64 target = jit.page_base + static_cast<u64>(static_cast<i64>(site.target));
  const MmuIndex mmu_index = static_cast<MmuIndex>(block.mode.mmu_index());
  // The instruction pointer may wrap around.
  if (vcpu->linear_of(vcpu->pointer_of(target)) != target) return nullptr;
  if (vcpu->mmu_.code_pointer_fast(target, mmu_index) != block.host_pc) return nullptr;
  cache.set_tag(site, jit.page_base ^ jit.site_generation[mmu_index]);
  vcpu->remember(block, target, mmu_index);
  jit.page_base = target & kPageMask;
  return cache.assembler().executable(block.entry);
}

const u8* TcgVcpu::fast_lookup(TcgVcpu* vcpu, u64 linear, u64) {
  JitState& jit = vcpu->jit_;
  const MmuIndex index = vcpu->mmu_.current_index();
  const u32 mode = vcpu->signature_[index].mode;
  linear = vcpu->linear_of(vcpu->pointer_of(linear));
  if (jit.exit_request.load(std::memory_order_relaxed) != 0 || mode == JumpKey::kNoMode ||
      vcpu->tracing_ || vcpu->engine_.stops.begins_block(linear))
    return nullptr;
  const u8* host_pc = vcpu->mmu_.code_pointer_fast(linear, index);
  if (host_pc == nullptr) return nullptr;
  CodeCache& cache = vcpu->engine_.cache;
  const std::lock_guard guard(cache.lock());
  const CodeCache::Place* const place = cache.find_place(host_pc, Mode{mode});
  if (place == nullptr || place->in_two_pages) return nullptr;
  vcpu->remember(*place, linear, index);
  ++vcpu->counters_.lookups;
  jit.page_base = linear & kPageMask;
  return cache.assembler().executable(place->entry);
}

}  // namespace backplane::tcg
