// SPDX-License-Identifier: MIT
// Where things are in an XSAVE image, X86State::xsave among them, and in the guest's save areas:
// with the components there are the standard and the compacted format place all alike.
// [SDM 1 "XSAVE Area"]
#pragma once

#include "backplane/x86/version.h"
#include "backplane/x86/x87_pointers.h"

namespace backplane::x86 {

// State components.
constexpr u64 kComponentX87 = 1, kComponentSse = 2, kComponentAvx = 4;
constexpr u64 kAllComponents = kComponentX87 | kComponentSse | kComponentAvx;

// Offsets.
constexpr unsigned kFcw = 0, kFsw = 2, kFtw = 4, kFop = X87Pointers::kOpcodeAt,
                   kFip = X87Pointers::kInstructionAt, kFdp = X87Pointers::kOperandAt, kMxcsr = 24,
                   kMxcsrMask = 28, kStack = 32, kXmm = 160, kXstateBv = X87Pointers::kHeaderAt,
                   kXcompBv = 520, kYmmHigh = 576;

// In XCOMP_BV: the area has the compacted format.
constexpr u64 kCompacted = u64{1} << 63;
// Bytes of the parts before the AVX component.
constexpr unsigned kFxsaveSize = 512, kXsaveHeaderSize = 64;
// Of an area with these components.
constexpr unsigned xsave_area_size(u64 components) {
  return (components & kComponentAvx) != 0 ? kYmmHigh + 256 : kFxsaveSize + kXsaveHeaderSize;
}

constexpr u32 kMxcsrDefault = 0x1f80;
constexpr u32 kMxcsrValid = 0xffff;  // other bits are reserved: loading them is #GP
constexpr u16 kFopValid = 0x7ff;     // bits that the opcode of the last x87 instruction has
constexpr u16 kFswErrorSummary = 0x80, kFswBusy = 0x8000, kFswExceptions = 0x3f;

// A status word in which ES and B follow from the flags and their masks in the control word, as
// in what the processor loads.
constexpr u16 with_error_summary(u16 status, u16 control) {
  constexpr u16 kSummary = kFswErrorSummary | kFswBusy;
  return (status & ~control & kFswExceptions) != 0 ? static_cast<u16>(status | kSummary)
                                                   : static_cast<u16>(status & ~kSummary);
}

}  // namespace backplane::x86
