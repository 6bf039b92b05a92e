// SPDX-License-Identifier: MIT
// REP MOVS and REP STOS of many elements: a page at a time, the registers advancing with it.
// [SDM 2B "REP/REPE/REPZ/REPNE/REPNZ"]
#include <algorithm>
#include <cstring>

#include "vcpu/vcpu.h"

namespace backplane::tcg {
namespace {

constexpr u64 address_mask(unsigned bits) { return bits == 64 ? ~u64{0} : (u64{1} << bits) - 1; }

// Of elements from an offset on, where their segment begins and what its last offset is.
struct Window {
  u64 base = 0, top = 0;
};

// How many elements fit between an offset and the end of its page, and of its segment.
u64 elements_to_end(u64 offset, const Window& w, unsigned element, bool backwards) {
  const u64 in_page = (w.base + offset) & ~kPageMask;
  if (in_page + element > kPageSize || offset > w.top || w.top - offset < element - 1) return 0;
  if (backwards) return std::min(in_page, offset) / element + 1;
  return (std::min(kPageSize - 1 - in_page, w.top - offset) + 1) / element;
}

// Element by element: each may read what the one before it wrote.
template <class Element>
void copy_each(u8* to, const u8* from, u64 count, bool backwards) {
  for (u64 n = 0; n < count; ++n) {
    const u64 at = (backwards ? count - 1 - n : n) * sizeof(Element);
    std::memcpy(to + at, from + at, sizeof(Element));
  }
}

void copy(u8* to, const u8* from, u64 count, unsigned element, bool backwards) {
  const u64 size = count * element;
  const bool repeats = backwards ? to < from && from < to + size : from < to && to < from + size;
  if (!repeats) {
    std::memmove(to, from, size);
    return;
  }
  switch (element) {
    case 1:
      return copy_each<u8>(to, from, count, backwards);
    case 2:
      return copy_each<u16>(to, from, count, backwards);
    case 4:
      return copy_each<u32>(to, from, count, backwards);
    default:
      return copy_each<u64>(to, from, count, backwards);
  }
}

void fill(u8* to, u64 count, unsigned element, u64 value) {
  if (value == 0 || element == 1) {
    std::memset(to, static_cast<int>(value & 0xff), count * element);
    return;
  }
  for (u64 n = 0; n < count; ++n) std::memcpy(to + n * element, &value, element);
}

}  // namespace

bool TcgVcpu::repeat_in_page(u32 form, u64& bytes) {
  const unsigned element = form & RepeatForm::kElementMask;
  const bool moves = (form & RepeatForm::kMoves) != 0;
  const unsigned source_segment = form >> RepeatForm::kSegmentShift & 0xff;
  const unsigned address_bits = form >> RepeatForm::kAddressShift;
  const u64 mask = address_mask(address_bits);
  const bool code64 = jit_.pointer_mask == ~u64{0};
  const bool backwards = (state_.rflags & x86::kDF) != 0;
  u64* const gpr = state_.gpr;
  // Other segments than these have base 0 and no limit.
  const auto window = [&](unsigned segment) {
    const x86::Segment& s = state_.seg[segment];
    return Window{s.base, code64 ? mask : std::min(mask, u64{s.limit})};
  };
  const Window destination = code64 ? Window{0, mask} : window(x86::ES);
  const Window source = source_segment != 0 ? window(source_segment - 1) : Window{0, mask};
  const u64 linear_mask = code64 ? ~u64{0} : 0xffffffff;

  u64 to = gpr[x86::RDI] & mask;
  u64 from = gpr[x86::RSI] & mask;
  u64 count = std::min(gpr[x86::RCX] & mask, elements_to_end(to, destination, element, backwards));
  if (moves) count = std::min(count, elements_to_end(from, source, element, backwards));
  if (count == 0) return false;
  const u64 size = count * element;
  if (backwards) {
    to -= size - element;
    from -= size - element;
  }
  const MmuIndex index = mmu_.current_index();
  SoftMmu::Target read;
  if (moves) {
    read = mmu_.resolve((source.base + from) & linear_mask, Access::Read, index);
    if (read.host == nullptr || read.watched) return false;
  }
  const SoftMmu::Target target =
      mmu_.resolve((destination.base + to) & linear_mask, Access::Write, index);
  if (target.host == nullptr || target.watched) return false;
  if (moves)
    copy(target.host, read.host, count, element, backwards);
  else
    fill(target.host, count, element, gpr[x86::RAX]);
  // After they were written: others may make code of the bytes at any time.
  if (target.has_code) engine_.cache.invalidate_locked(target.host, size);

  // 16-bit registers keep what is above.
  const auto set = [&](x86::Gpr number, u64 value) {
    const u64 kept = address_bits == 16 ? gpr[number] & ~mask : 0;
    gpr[number] = kept | (value & mask);
  };
  const u64 step = backwards ? 0 - size : size;
  if (moves) set(x86::RSI, gpr[x86::RSI] + step);
  set(x86::RDI, gpr[x86::RDI] + step);
  set(x86::RCX, gpr[x86::RCX] - count);
  bytes += size;
  return true;
}

const u8* TcgVcpu::repeat_string(u32 form, u32 offset) {
  ++counters_.repetitions;
  state_.rip = pointer_of(jit_.page_base + offset);
  flags_to_state();
  const u64 mask = address_mask(form >> RepeatForm::kAddressShift);
  u64 bytes = 0;
  while (repeat_in_page(form, bytes)) {
    if ((state_.gpr[x86::RCX] & mask) == 0) {
      const u64 length = form >> RepeatForm::kLengthShift & 0xff;
      state_.rip = (state_.rip + length) & jit_.pointer_mask;
      return resume();
    }
    // What is left begins anew. What interrupts the instruction here finds RF set.
    if (engine_.options.count_instructions
            ? bytes >= RepeatForm::kCountedPart
            : jit_.exit_request.load(std::memory_order_relaxed) != 0) {
      state_.rflags |= x86::kRF;
      return resume();
    }
  }
  if (engine_.options.count_instructions) ++jit_.budget;
  step();
  return resume();
}

}  // namespace backplane::tcg
