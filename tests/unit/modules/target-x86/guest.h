// SPDX-License-Identifier: MIT
// A CPU of model "max" in a machine with RAM, with descriptor tables, task state and stacks laid
// out in low memory: the ground on which system functions are tested.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string_view>

#include "backplane/testing/test_machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/system.h"

namespace backplane::x86::testing {

// The address after an instruction at kRip, for functions that want it.
constexpr u64 kRip = 0x1234, kNextRip = 0x1240;

class Guest {
 public:
  explicit Guest(std::string_view model = "max", unsigned cpus = 1)
      : Guest(model, CpuTopology{.cores = cpus}) {}
  Guest(std::string_view model, const CpuTopology& topology) {
    machine.config().topology = topology;
    for (unsigned i = 0; i < topology.cpus(); ++i) machine.add_cpu(create_cpu(machine, model));
    machine.power_on();
  }

  // Where things lie, in physical and (identity-mapped) linear memory.
  static constexpr u64 kPml4 = 0x1000, kPdpt = 0x2000, kPd = 0x3000, kGdt = 0x5000, kIdt = 0x6000,
                       kTss = 0x7000, kLdt = 0x8000, kHandler = 0x9000;
  static constexpr u64 kStack = 0x20000, kInnerStack = 0x30000, kIstStack = 0x40000;

  // Selectors of the GDT.
  static constexpr u16 kCode64 = 0x08, kData0 = 0x10, kCode32 = 0x18, kUserCode32 = 0x23,
                       kUserData = 0x2b, kUserCode64 = 0x33, kTssSelector = 0x38,
                       kLdtSelector = 0x48, kSpare = 0x60, kSpareUpper = 0x68, kConforming = 0x70;

  // Attributes (descriptor bits 40 to 55).
  static constexpr u16 kAttrCode64 = 0xa09b, kAttrCode32 = 0xc09b, kAttrData = 0xc093,
                       kAttrDpl3 = 0x60;

  static constexpr u64 descriptor(u64 base, u32 limit, u16 attributes) {
    const u64 raw_limit = (attributes & 0x8000) != 0 ? limit >> 12 : limit;
    return (raw_limit & 0xffff) | ((base & 0xffffff) << 16) | (u64{attributes} << 40) |
           ((raw_limit & 0xf0000) << 32) | ((base & 0xff000000) << 32);
  }
  void set_descriptor(u16 selector, u64 raw) {
    store<u64>(((selector & 4) != 0 ? kLdt : kGdt) + (selector & ~7u), raw);
  }
  static constexpr u64 gate(u16 selector, u32 offset, u8 type, unsigned dpl = 0, u8 low = 0) {
    return (offset & 0xffff) | (u64{selector} << 16) | (u64{low} << 32) |
           (u64{0x80u | (dpl << 5) | type} << 40) | (u64{offset & 0xffff0000} << 32);
  }
  // An IDT entry of the current mode.
  void set_gate(u8 vector, u64 raw) {
    const bool wide = state().long_mode_active();
    store<u64>(kIdt + vector * (wide ? 16u : 8u), raw);
    if (wide) store<u64>(kIdt + vector * 16u + 8, 0);
  }

  // 64-bit mode at privilege level 0 or 3, the first GiB mapped one to one, for users too.
  void enter_long_mode(unsigned cpl = 0) {
    build_tables();
    X86State& s = state();
    s.cr0 = kCr0PE | kCr0PG | kCr0ET | kCr0NE | kCr0WP;
    s.cr4 = kCr4PAE | kCr4OSFXSR | kCr4OSXSAVE;
    s.cr3 = kPml4;
    s.efer = kEferLME | kEferLMA | kEferSCE | kEferNXE;
    set_level(cpl, cpl == 0 ? kCode64 : kUserCode64, kAttrCode64);
    s.tr = {kTssSelector, 0x8b, 0x67, kTss};
  }
  // 32-bit protected mode without paging.
  void enter_protected_mode(unsigned cpl = 0) {
    build_tables();
    X86State& s = state();
    s.cr0 = kCr0PE | kCr0ET | kCr0NE;
    s.cr4 = 0;
    s.efer = 0;
    set_level(cpl, cpl == 0 ? kCode32 : kUserCode32, kAttrCode32);
    s.tr = {kTssSelector, 0x8b, 0x67, kTss};
  }
  void enter_virtual8086_mode() {
    enter_protected_mode();
    X86State& s = state();
    s.rflags |= kVM;
    for (Segment& segment : s.seg) segment = {0x1000, 0xf3, 0xffff, 0x10000};
    s.gpr[RSP] = 0x8000;
    s.rip = 0x100;
  }
  void enter_real_mode() {
    X86State& s = state();
    s.cr0 = kCr0ET;
    s.cr4 = s.efer = 0;
    for (Segment& segment : s.seg) segment = {0x1000, 0x93, 0xffff, 0x10000};
    s.idtr = {0x3ff, 0};
    s.gpr[RSP] = 0x8000;
    s.rip = 0x100;
    s.rflags = 2 | kIF;
  }

  template <class T>
  T load(u64 physical) {
    return machine.memory().load<T>(physical);
  }
  template <class T>
  void store(u64 physical, T value) {
    machine.memory().store<T>(physical, value);
  }

  X86Cpu& cpu(unsigned index = 0) { return static_cast<X86Cpu&>(*machine.cpus()[index]); }
  X86State& state() { return cpu().state(); }
  u64& reg(Gpr n) { return state().gpr[n]; }
  Context context() { return {cpu(), memory()}; }
  LinearMemory& memory() {
    if (!walking_) walking_.emplace(state(), machine.memory());
    return *walking_;
  }

  backplane::testing::TestMachine machine;

 private:
  void set_level(unsigned cpl, u16 code, u16 code_attributes) {
    X86State& s = state();
    const u16 dpl = cpl == 0 ? 0 : kAttrDpl3;
    for (Segment& segment : s.seg)
      segment = {static_cast<u16>(cpl == 0 ? kData0 : kUserData), static_cast<u16>(kAttrData | dpl),
                 0xffffffff, 0};
    s.seg[CS] = {code, static_cast<u16>(code_attributes | dpl), 0xffffffff, 0};
    s.gdtr = {0xff, kGdt};
    s.idtr = {0xfff, kIdt};
    s.ldtr = {kLdtSelector, 0x82, 0xff, kLdt};
    s.rflags = 2 | kIF;
    s.gpr[RSP] = kStack;
    s.rip = kRip;
  }

  void build_tables() {
    store<u64>(kPml4, kPdpt | 7);
    store<u64>(kPdpt, kPd | 7);
    for (u64 i = 0; i < 512; ++i) store<u64>(kPd + 8 * i, (i << 21) | 0x87);
    set_descriptor(kCode64, descriptor(0, 0xffffffff, kAttrCode64));
    set_descriptor(kData0, descriptor(0, 0xffffffff, kAttrData));
    set_descriptor(kCode32, descriptor(0, 0xffffffff, kAttrCode32));
    set_descriptor(kUserCode32, descriptor(0, 0xffffffff, kAttrCode32 | kAttrDpl3));
    set_descriptor(kUserData, descriptor(0, 0xffffffff, kAttrData | kAttrDpl3));
    set_descriptor(kUserCode64, descriptor(0, 0xffffffff, kAttrCode64 | kAttrDpl3));
    set_descriptor(kTssSelector, descriptor(kTss, 0x67, 0x89));
    store<u64>(kGdt + kTssSelector + 8, 0);
    set_descriptor(kLdtSelector, descriptor(kLdt, 0xff, 0x82));
    store<u64>(kGdt + kLdtSelector + 8, 0);
    set_descriptor(kConforming, descriptor(0, 0xffffffff, 0xc09e));
    // RSP0 or ESP0 and SS0; IST1.
    if (state().long_mode_active()) return;
    store<u32>(kTss + 4, static_cast<u32>(kInnerStack));
    store<u32>(kTss + 8, kData0);
  }

  std::optional<WalkingMemory> walking_;
};

// Expects fn to raise this exception, with this error code if it has one.
template <class F>
void expect_fault(u8 vector, std::optional<u32> error, F&& fn) {
  try {
    fn();
  } catch (const GuestException& e) {
    EXPECT_EQ(e.vector, vector);
    EXPECT_EQ(e.has_error_code, error.has_value());
    EXPECT_EQ(e.error_code, error.value_or(0));
    return;
  }
  ADD_FAILURE() << "no exception; expected vector " << static_cast<unsigned>(vector);
}

}  // namespace backplane::x86::testing
