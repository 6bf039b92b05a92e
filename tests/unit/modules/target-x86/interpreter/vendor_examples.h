// SPDX-License-Identifier: MIT
// An instruction or more for each row of the table of vendors.
#pragma once

#include <vector>

#include "backplane/x86/cpu.h"
#include "native_processor.h"

namespace backplane::x86::testing {

// AX holds 1234h, DX ABCDh, CL 11h, EBX `address`, and there is `memory`.
struct VendorExample {
  using Feature = bool X86Cpu::Features::*;

  Difference difference;
  std::string_view text;
  NativeProcessor::Mode mode;
  std::vector<u8> code;
  Feature feature = nullptr;  // that the host must have
  u64 misalignment = 0;       // of the address
  u32 memory = 0;
  // What AX holds then, by Does::RepeatsDestination and Does::RepeatsSource.
  u16 repeats_destination = 0, repeats_source = 0;

  Registers registers(u64 address) const {
    Registers r;
    r.gpr[RAX] = 0x1234;
    r.gpr[RDX] = 0xabcd;
    r.gpr[RCX] = 0x11;
    r.gpr[RBX] = address + misalignment;
    r.gpr[RSP] = address + 256;
    r.rflags = 0x202;
    const u16 control = 0x37f;
    const u32 mxcsr = 0x1f80;
    std::memcpy(r.xsave, &control, sizeof control);
    std::memcpy(r.xsave + 24, &mxcsr, sizeof mxcsr);
    return r;
  }
  Does expected(Vendor vendor) const { return does(vendor, difference); }
  // Whether it ended as a processor of the vendor ends it.
  bool ends_as_on(Vendor vendor, int fault, u64 rax) const {
    switch (expected(vendor)) {
      case Does::Executes:
        return fault < 0;
      case Does::RaisesUd:
        return fault == kUD;
      case Does::RaisesGp:
        return fault == kGP;
      case Does::RepeatsDestination:
        return fault < 0 && rax == repeats_destination;
      case Does::RepeatsSource:
        return fault < 0 && rax == repeats_source;
    }
    return false;
  }
};

inline const std::vector<VendorExample>& vendor_examples() {
  using enum Difference;
  using F = X86Cpu::Features;
  constexpr auto kLong = NativeProcessor::Mode::Long;
  constexpr auto kCompatibility = NativeProcessor::Mode::Compatibility;
  static const std::vector<VendorExample> kExamples = {
      {PrefetchOfRegister, "0f 0d /0", kLong, {0x0f, 0x0d, 0xc0}},
      {PrefetchOfRegister, "0f 0d /1", kCompatibility, {0x0f, 0x0d, 0xcb}},
      {MisalignedSha, "sha256msg1 xmm0, [rbx]", kLong, {0x0f, 0x38, 0xcc, 0x03}, &F::sha, 1},
      {MisalignedSha, "sha256rnds2 xmm1, [rbx]", kLong, {0x0f, 0x38, 0xcb, 0x0b}, &F::sha, 8},
      {MisalignedSha,
       "sha1rnds4 xmm0, [ebx], 1",
       kCompatibility,
       {0x0f, 0x3a, 0xcc, 0x03, 0x01},
       &F::sha,
       4},
      {VexWidthOutside64,
       "vpextrd eax, xmm0, 0",
       kCompatibility,
       {0xc4, 0xe3, 0xf9, 0x16, 0xc0, 0x00},
       &F::avx},
      {VexWidthOutside64,
       "vpextrd [ebx], xmm0, 0",
       kCompatibility,
       {0xc4, 0xe3, 0xf9, 0x16, 0x03, 0x00},
       &F::avx},
      {VexWidthOutside64,
       "vpinsrd xmm0, xmm0, eax, 1",
       kCompatibility,
       {0xc4, 0xe3, 0xf9, 0x22, 0xc0, 0x01},
       &F::avx},
      {MxcsrMisalignedMask, "ldmxcsr [rbx]", kLong, {0x0f, 0xae, 0x13}, nullptr, 0, 0x21f80},
      {MxcsrMisalignedMask, "vldmxcsr [rbx]", kLong, {0xc5, 0xf8, 0xae, 0x13}, &F::avx, 0, 0x21f80},
      {DoubleShiftBeyondOperand,
       "shld ax, dx, 17",
       kLong,
       {0x66, 0x0f, 0xa4, 0xd0, 0x11},
       nullptr,
       0,
       0,
       0x579a,
       0x579b},
      {DoubleShiftBeyondOperand,
       "shrd ax, dx, cl",
       kLong,
       {0x66, 0x0f, 0xad, 0xd0},
       nullptr,
       0,
       0,
       0x55e6,
       0xd5e6},
  };
  return kExamples;
}

}  // namespace backplane::x86::testing
