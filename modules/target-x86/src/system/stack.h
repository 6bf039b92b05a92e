// SPDX-License-Identifier: MIT
// A stack under construction or being taken apart: nothing in the CPU's state changes before
// commit().
#pragma once

#include "descriptor.h"

namespace backplane::x86 {

class Stack {
 public:
  // The current stack, at the current privilege level.
  explicit Stack(Context c, u32 error = 0)
      : Stack(c, c.state().seg[SS], c.state().gpr[RSP], c.state().code64(), c.state().cpl(),
              error) {}
  // `error` is the code of a #SS.
  Stack(Context c, const Segment& segment, u64 pointer, bool is64, unsigned cpl, u32 error)
      : memory_(c.memory),
        segment_(segment),
        mask_(is64            ? ~u64{0}
              : segment.big() ? 0xffffffffu
                              : 0xffffu),
        pointer_(pointer),
        is64_(is64),
        privilege_(cpl == 3 ? Privilege::User : Privilege::Supervisor),
        error_(error) {}

  u64 pointer() const { return pointer_; }
  void set_pointer(u64 pointer) { pointer_ = (pointer_ & ~mask_) | (pointer & mask_); }
  void skip(unsigned bytes) { set_pointer(pointer_ + bytes); }

  void push(u64 value, unsigned size) {
    set_pointer(pointer_ - size);
    memory_.write(linear(size), &value, size, privilege_);
  }
  u64 pop(unsigned size) {
    u64 value = 0;
    memory_.read(linear(size), &value, size, privilege_);
    set_pointer(pointer_ + size);
    return value;
  }
  void commit(X86State& s) const { s.gpr[RSP] = pointer_; }

 private:
  u64 linear(unsigned size) const {
    const u64 offset = pointer_ & mask_;
    if (is64_) {
      if (!is_canonical(offset) || !is_canonical(offset + size - 1)) raise_fault(kSSVector, error_);
      return offset;
    }
    if (!within_limit(segment_, offset, size)) raise_fault(kSSVector, error_);
    return static_cast<u32>(segment_.base + offset);
  }

  LinearMemory& memory_;
  Segment segment_;
  u64 mask_;
  u64 pointer_;
  bool is64_;
  Privilege privilege_;
  u32 error_;
};

}  // namespace backplane::x86
