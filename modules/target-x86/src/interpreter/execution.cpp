// SPDX-License-Identifier: MIT
#include "execution.h"

namespace backplane::x86::interpreter {

std::mutex Execution::split_lock_;

namespace {

// Type bits of a descriptor. [SDM 3A "Code- and Data-Segment Descriptor Types"]
constexpr unsigned kTypeCode = 8, kTypeExpandDown = 4, kTypeWritable = 2, kTypeReadable = 2;

bool permits(const Segment& s, bool write) {
  if (!s.present()) return false;
  if ((s.type() & kTypeCode) == 0) return !write || (s.type() & kTypeWritable) != 0;
  return !write && (s.type() & kTypeReadable) != 0;
}

bool within_limit(const Segment& s, u64 first, u64 last) {
  if ((s.type() & (kTypeCode | kTypeExpandDown)) != kTypeExpandDown) return last <= s.limit;
  return first > s.limit && last <= (s.big() ? 0xffffffff : 0xffff);
}

}  // namespace

u64 Execution::legacy_linear(u8 segment, u64 offset, unsigned size, bool write) const {
  const Segment& s = state.seg[segment];
  const bool allowed = !state.protected_mode() || permits(s, write);
  if (!allowed || !within_limit(s, offset, offset + size - 1))
    raise_fault(segment == SS ? kSSVector : kGP, 0);
  const u64 address = static_cast<u32>(s.base + offset);
  if (checks_alignment_) require_alignment(address, size);
  return address;
}

// [SDM 3A "Interrupt 17-Alignment Check Exception (#AC)"]
void Execution::require_alignment(u64 address, unsigned size) const {
  unsigned alignment = size;
  if (size == 10) alignment = 8;                               // extended precision
  if (size == 28 || size == 94 || size == 108) alignment = 4;  // x87 environment and state
  if ((alignment & (alignment - 1)) != 0 || alignment > 16) return;
  if ((address & (alignment - 1)) != 0) raise_fault(kACVector, 0);
}

u64 Execution::checked_target(u64 target, unsigned operand_size) const {
  if (code64_) {
    if (operand_size == 2) target &= 0xffff;
    if (!is_canonical(target)) raise_fault(kGP, 0);
    return target;
  }
  target &= mask_of(operand_size == 2 ? 2 : 4);
  if (target > state.seg[CS].limit) raise_fault(kGP, 0);
  return target;
}

}  // namespace backplane::x86::interpreter
