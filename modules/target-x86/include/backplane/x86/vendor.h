// SPDX-License-Identifier: MIT
// Who made a processor, and the table of what that changes for a program: where the manuals of
// Intel and AMD differ, or leave open what their processors then do differently.
#pragma once

#include <span>
#include <string_view>

#include "backplane/types.h"
#include "backplane/x86/version.h"

namespace backplane::x86 {

enum class Vendor : u8 { Intel, Amd };

// By the 12 characters of CPUID leaf 0. A name that is neither's is taken for Intel's, whose manual
// the emulator follows. Any thread.
Vendor vendor_named(std::string_view name);
// The 12 characters.
std::string_view vendor_name(Vendor vendor);
// Of the processor that this program runs on. Any thread.
Vendor host_vendor();

enum class Difference : u8 {
  PrefetchOfRegister,        // 0F 0D with a register in ModRM
  MisalignedSha,             // an SHA instruction whose memory operand is not aligned to 16 bytes
  VexWidthOutside64,         // VPINSRD and VPEXTRD with VEX.W set, in 16- and 32-bit code
  MxcsrMisalignedMask,       // MXCSR bit 17, and its bit of MXCSR_MASK in a saved image
  SyscallOutside64,          // SYSCALL and SYSRET in 16- and 32-bit code
  SysenterInLongMode,        // SYSENTER and SYSEXIT while long mode is active
  DoubleShiftBeyondOperand,  // SHLD and SHRD of 16 bits by more than 16
};

enum class Does : u8 {
  Executes,            // as if nothing were odd about it
  RaisesUd,            // #UD
  RaisesGp,            // #GP(0)
  RepeatsDestination,  // the destination's bits follow those of the source, which came in
  RepeatsSource,       // the source's bits come in again
};

struct VendorRow {
  Difference difference;
  std::string_view what;
  Does intel;
  std::string_view intel_source;
  Does amd;
  std::string_view amd_source;
  // By both manuals: no program may rely on it, and no test compares it with a host.
  bool undefined;
};

// In the order of Difference.
std::span<const VendorRow> vendor_table();
Does does(Vendor vendor, Difference difference);

}  // namespace backplane::x86
