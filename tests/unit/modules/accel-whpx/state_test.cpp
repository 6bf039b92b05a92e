// SPDX-License-Identifier: MIT
// Conversions that need no platform.
#include "vcpu/state.h"

#include <gtest/gtest.h>

#include <cstring>

namespace backplane::whpx {
namespace {

using x86::X86State;

std::vector<WHV_REGISTER_NAME> all_registers() {
  std::vector<WHV_REGISTER_NAME> names = state_registers();
  for (const WHV_REGISTER_NAME name : optional_state_registers(true)) names.push_back(name);
  return names;
}

X86State there_and_back(const X86State& from) {
  X86State to;
  for (const WHV_REGISTER_NAME name : all_registers())
    from_platform(name, to_platform(name, from), to);
  return to;
}

TEST(WhpxState, WordsKeepTheirPlaces) {
  X86State from;
  for (unsigned n = 0; n < 16; ++n) from.gpr[n] = u64{0x0101010101010101} * (n + 1);
  for (unsigned n : {0, 1, 2, 3, 6, 7}) from.dr[n] = 0x1000 + n;
  u64 value = 0x7000;
  for (u64 X86State::*field :
       {&X86State::rip, &X86State::rflags, &X86State::cr0, &X86State::cr2, &X86State::cr3,
        &X86State::cr4, &X86State::xcr0, &X86State::efer, &X86State::star, &X86State::lstar,
        &X86State::cstar, &X86State::sfmask, &X86State::kernel_gs_base, &X86State::sysenter_cs,
        &X86State::sysenter_esp, &X86State::sysenter_eip, &X86State::tsc_aux, &X86State::pat})
    from.*field = ++value;
  EXPECT_EQ(to_platform(WHvX64RegisterRsp, from).Reg64, from.gpr[x86::RSP]);
  EXPECT_EQ(to_platform(WHvX64RegisterCr3, from).Reg64, from.cr3);
  EXPECT_EQ(to_platform(WHvX64RegisterDr7, from).Reg64, from.dr[7]);
  const X86State to = there_and_back(from);
  EXPECT_EQ(std::memcmp(to.gpr, from.gpr, sizeof to.gpr), 0);
  EXPECT_EQ(std::memcmp(to.dr, from.dr, sizeof to.dr), 0);
  for (u64 X86State::*field :
       {&X86State::rip, &X86State::rflags, &X86State::cr0, &X86State::cr2, &X86State::cr3,
        &X86State::cr4, &X86State::xcr0, &X86State::efer, &X86State::star, &X86State::lstar,
        &X86State::cstar, &X86State::sfmask, &X86State::kernel_gs_base, &X86State::sysenter_cs,
        &X86State::sysenter_esp, &X86State::sysenter_eip, &X86State::tsc_aux, &X86State::pat})
    EXPECT_EQ(to.*field, from.*field);
}

TEST(WhpxState, SegmentsAndTablesKeepWhatTheyHave) {
  X86State from;
  for (unsigned n = 0; n < 6; ++n)
    from.seg[n] = {.selector = static_cast<u16>(8 * n + 3),
                   .attributes = static_cast<u16>(0xa090 + n),
                   .limit = 0xfffff000 + n,
                   .base = u64{0x100000000} * n};
  from.tr = {.selector = 0x40, .attributes = 0x8b, .limit = 0x67, .base = 0xfffffe0000003000};
  from.ldtr = {.selector = 0, .attributes = 0, .limit = 0, .base = 0};
  from.gdtr = {.limit = 0x7f, .base = 0xfffffe0000001000};
  from.idtr = {.limit = 0xfff, .base = 0xfffffe0000000000};
  EXPECT_EQ(to_platform(WHvX64RegisterCs, from).Segment.Selector, from.seg[x86::CS].selector);
  EXPECT_EQ(to_platform(WHvX64RegisterGdtr, from).Table.Limit, 0x7f);
  const X86State to = there_and_back(from);
  for (unsigned n = 0; n < 6; ++n) {
    EXPECT_EQ(to.seg[n].selector, from.seg[n].selector) << n;
    EXPECT_EQ(to.seg[n].attributes, from.seg[n].attributes) << n;
    EXPECT_EQ(to.seg[n].limit, from.seg[n].limit) << n;
    EXPECT_EQ(to.seg[n].base, from.seg[n].base) << n;
  }
  EXPECT_EQ(to.tr.base, from.tr.base);
  EXPECT_EQ(to.tr.attributes, from.tr.attributes);
  EXPECT_FALSE(to.ldtr.present());
  EXPECT_EQ(to.gdtr.base, from.gdtr.base);
  EXPECT_EQ(to.idtr.limit, from.idtr.limit);
}

TEST(WhpxState, InterruptStateIsKept) {
  X86State from;
  from.interrupt_shadow = 1;
  EXPECT_EQ(to_platform(WHvRegisterInterruptState, from).Reg64, 1U);
  from.nmi_blocked = 1;
  const X86State to = there_and_back(from);
  EXPECT_EQ(to.interrupt_shadow, 1);
  EXPECT_EQ(to.nmi_blocked, 1);
}

constexpr std::size_t kXstateBv = 512, kUpperHalves = 576;

TEST(WhpxState, X87AndSseRegistersKeepTheirPlacesAndUpperHalvesStay) {
  X86State from;
  // Without the two bytes after each x87 register's ten, which are reserved, and the tag's byte.
  for (std::size_t n = 0; n < 416; ++n) from.xsave[n] = static_cast<u8>(n * 7 + 1);
  from.xsave[5] = 0;
  for (std::size_t st = 32; st < 160; st += 16) std::memset(from.xsave + st + 10, 0, 6);
  from.xsave[kXstateBv] = 3;
  X86State to;
  std::memset(to.xsave + kUpperHalves, 0x5a, 16);
  to.xsave[kXstateBv] = 4;
  for (const WHV_REGISTER_NAME name : all_registers())
    from_platform(name, to_platform(name, from), to);
  EXPECT_EQ(std::memcmp(to.xsave, from.xsave, 416), 0);
  EXPECT_EQ(to.xsave[kXstateBv], 7);
  EXPECT_EQ(to.xsave[kUpperHalves], 0x5a);
}

TEST(WhpxState, RegistersInInitialStateAreNotTakenFromTheImage) {
  X86State from;
  std::memset(from.xsave, 0xcc, 512);
  from.xsave[kXstateBv] = 0;
  EXPECT_EQ(to_platform(WHvX64RegisterXmm0, from).Reg128.Low64, 0U);
  EXPECT_EQ(to_platform(WHvX64RegisterFpMmx0, from).Reg128.Low64, 0U);
  const WHV_X64_FP_CONTROL_STATUS_REGISTER control =
      to_platform(WHvX64RegisterFpControlStatus, from).FpControlStatus;
  EXPECT_EQ(control.FpControl, 0x37f);
  EXPECT_EQ(control.FpTag, 0);
}

}  // namespace
}  // namespace backplane::whpx
