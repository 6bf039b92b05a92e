// SPDX-License-Identifier: MIT
// The guest's x87, SSE and AVX registers in X86State::xsave: an XSAVE image in standard format,
// with the 64-bit form of the x87 pointers. [SDM 1 "Managing State Using the XSAVE Feature Set"]
#pragma once

#include <cstring>

#include "backplane/x86/xsave_image.h"

namespace backplane::x86::interpreter {

constexpr u32 kMxcsrExceptions = 0x3f;  // sticky flags; their masks are 7 bits higher
constexpr u32 kMxcsrAllMasked = 0x1f80;
constexpr u32 kMxcsrUnderflow = 0x10, kMxcsrUnderflowMask = 0x800, kMxcsrFlushToZero = 0x8000;
constexpr u16 kFcwDefault = 0x37f;

class FpuImage {
 public:
  explicit FpuImage(X86State& state) : base_(state.xsave) {}

  u8* data() const { return base_; }
  template <class T>
  T get(unsigned offset) const {
    T value;
    std::memcpy(&value, base_ + offset, sizeof value);
    return value;
  }
  template <class T>
  void set(unsigned offset, T value) const {
    std::memcpy(base_ + offset, &value, sizeof value);
  }

  u64 in_use() const { return get<u64>(kXstateBv); }
  void set_in_use(u64 components) const { set<u64>(kXstateBv, components); }
  u32 mxcsr() const { return get<u32>(kMxcsr) & kMxcsrValid; }
  void set_mxcsr(u32 value) const { set<u32>(kMxcsr, value); }
  u8* xmm(unsigned n) const { return base_ + kXmm + 16 * n; }
  u8* ymm_high(unsigned n) const { return base_ + kYmmHigh + 16 * n; }
  u8* st(unsigned n) const { return base_ + kStack + 16 * n; }  // relative to the top

  // Puts components into their initial state: registers zero, all x87 registers empty.
  void initialize(u64 components) const {
    if ((components & kComponentX87) != 0) {
      std::memset(base_, 0, kMxcsr);
      std::memset(base_ + kStack, 0, kXmm - kStack);
      set<u16>(kFcw, kFcwDefault);
    }
    if ((components & kComponentSse) != 0) std::memset(base_ + kXmm, 0, 256);
    if ((components & kComponentAvx) != 0) std::memset(base_ + kYmmHigh, 0, 256);
  }
  // Makes the image hold the values of components that are marked as initial, and marks them as
  // in use: they are about to be read or written in place.
  void materialize(u64 components) const {
    const u64 missing = components & ~in_use();
    if (missing == 0) return;
    initialize(missing);
    set_in_use(in_use() | missing);
  }

  unsigned top() const { return (get<u16>(kFsw) >> 11) & 7; }
  // Takes a status word. Data registers stay where they are, but the image numbers them from the
  // top of the stack, which the status word may move.
  void set_status(u16 status) const {
    u8 physical[8][16];
    for (unsigned n = 0; n < 8; ++n) std::memcpy(physical[n], st((n - top()) & 7), 16);
    set<u16>(kFsw, status);
    for (unsigned n = 0; n < 8; ++n) std::memcpy(st((n - top()) & 7), physical[n], 16);
  }
  bool x87_exception_pending() const {
    const u16 status = get<u16>(kFsw);
    return (status & kFswErrorSummary) != 0 || (status & ~get<u16>(kFcw) & kFswExceptions) != 0;
  }
  // ES and B follow from the flags and their masks.
  void update_error_summary() const {
    set<u16>(kFsw, with_error_summary(get<u16>(kFsw), get<u16>(kFcw)));
  }

 private:
  u8* base_;
};

}  // namespace backplane::x86::interpreter
