// SPDX-License-Identifier: MIT
// Conversions that need no KVM.
#include "vcpu/state.h"

#include <gtest/gtest.h>

#include "kernel/list.h"

namespace backplane::kvm {
namespace {

using x86::X86State;

TEST(KvmState, GeneralRegistersKeepTheirPlaces) {
  X86State from;
  for (unsigned n = 0; n < 16; ++n) from.gpr[n] = u64{0x0101010101010101} * n;
  from.rip = 0x1234;
  from.rflags = 0x246;
  kvm_sync_regs regs{};
  to_kernel(from, regs);
  EXPECT_EQ(regs.regs.rcx, from.gpr[x86::RCX]);
  EXPECT_EQ(regs.regs.rsp, from.gpr[x86::RSP]);
  EXPECT_EQ(regs.regs.r15, from.gpr[15]);
  X86State to;
  from_kernel(regs, to);
  for (unsigned n = 0; n < 16; ++n) EXPECT_EQ(to.gpr[n], from.gpr[n]) << n;
  EXPECT_EQ(to.rip, from.rip);
  EXPECT_EQ(to.rflags, from.rflags);
}

TEST(KvmState, TheShadowOfALoadOfSsIsNotThatOfSti) {
  for (const x86::InterruptShadow shadow : {x86::kNoShadow, x86::kShadowSti, x86::kShadowSs}) {
    X86State from;
    from.interrupt_shadow = shadow;
    kvm_sync_regs regs{};
    to_kernel(from, regs);
    X86State to;
    from_kernel(regs, to);
    EXPECT_EQ(to.interrupt_shadow, shadow);
  }
  // A processor that does not tell them apart.
  kvm_sync_regs regs{};
  regs.events.interrupt.shadow = KVM_X86_SHADOW_INT_MOV_SS | KVM_X86_SHADOW_INT_STI;
  X86State to;
  from_kernel(regs, to);
  EXPECT_EQ(to.interrupt_shadow, x86::kShadowSti);
}

TEST(KvmState, SegmentsKeepTheirAttributes) {
  X86State from;
  from.seg[x86::CS] = {.selector = 0x10, .attributes = 0xa09b, .limit = 0xffffffff, .base = 0};
  from.seg[x86::SS] = {.selector = 0x2b, .attributes = 0xc0f3, .limit = 0xffffffff, .base = 0};
  from.seg[x86::DS] = {.selector = 3, .attributes = 0, .limit = 0, .base = 0};
  from.tr = {.selector = 0x40, .attributes = 0x008b, .limit = 0x67, .base = 0xfffffe0000003000};
  from.gdtr = {.limit = 0x7f, .base = 0xfffffe0000001000};
  kvm_sync_regs regs{};
  to_kernel(from, regs);
  EXPECT_EQ(regs.sregs.cs.l, 1);
  EXPECT_EQ(regs.sregs.cs.db, 0);
  EXPECT_EQ(regs.sregs.ss.dpl, 3);
  EXPECT_EQ(regs.sregs.ds.unusable, 1);
  EXPECT_EQ(regs.sregs.tr.type, 11);
  X86State to;
  from_kernel(regs, to);
  for (unsigned n : {x86::CS, x86::SS, x86::DS}) {
    EXPECT_EQ(to.seg[n].selector, from.seg[n].selector) << n;
    EXPECT_EQ(to.seg[n].attributes, from.seg[n].attributes) << n;
    EXPECT_EQ(to.seg[n].limit, from.seg[n].limit) << n;
  }
  EXPECT_EQ(to.tr.base, from.tr.base);
  EXPECT_EQ(to.tr.attributes, from.tr.attributes);
  EXPECT_EQ(to.gdtr.limit, from.gdtr.limit);
  EXPECT_EQ(to.gdtr.base, from.gdtr.base);
}

// As after LDMXCSR with all XMM registers zero.
TEST(KvmState, AnMxcsrBesideUnusedRegistersReachesTheKernel) {
  X86State from{};
  const u32 mxcsr = 0x1d80;
  u64 in_use = 1;
  std::memcpy(from.xsave + 24, &mxcsr, 4);
  std::memcpy(from.xsave + 512, &in_use, 8);
  std::memset(from.xsave + 160, 0xee, 256);  // stale, as what is not in use may be
  XsaveArea to;
  to.image[1000] = 0x55;
  fpu_to_kernel(from, to);
  u32 stored = 0;
  std::memcpy(&stored, to.image + 24, 4);
  std::memcpy(&in_use, to.image + 512, 8);
  EXPECT_EQ(stored, mxcsr);
  EXPECT_EQ(in_use, 3U);
  for (unsigned at = 160; at < 416; ++at) EXPECT_EQ(to.image[at], 0) << at;
  EXPECT_EQ(to.image[1000], 0x55);
}

TEST(KvmState, RegistersInUseReachTheKernelAsTheyAre) {
  X86State from{};
  const u32 mxcsr = 0x1d80;
  const u64 in_use = 3;
  std::memcpy(from.xsave + 24, &mxcsr, 4);
  std::memcpy(from.xsave + 512, &in_use, 8);
  std::memset(from.xsave + 160, 0xee, 256);
  XsaveArea to;
  fpu_to_kernel(from, to);
  EXPECT_EQ(std::memcmp(to.image, from.xsave, sizeof from.xsave), 0);
}

// The kernel finds entries right behind eight bytes of header, and sizes are part of a request.
TEST(KvmList, IsLaidOutAsTheKernelReadsIt) {
  List<kvm_msr_entry> list({kvm_msr_entry{0x10, 0, 7}, kvm_msr_entry{0x11, 0, 8}});
  const auto* words = static_cast<const u32*>(list.get());
  EXPECT_EQ(words[0], 2U);
  EXPECT_EQ(words[2], 0x10U);
  EXPECT_EQ(words[6], 0x11U);
  EXPECT_EQ(list.entry(1).data, 8U);
  EXPECT_EQ(kGetMsrs, 0xc008ae88UL);
  EXPECT_EQ(kSetCpuid2, 0x4008ae90UL);
  EXPECT_EQ(kGetXsave, 0x9000aea4UL);
}

}  // namespace
}  // namespace backplane::kvm
