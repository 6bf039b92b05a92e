// SPDX-License-Identifier: MIT
#include <cstring>

#include "../guest.h"
#include "cpu/describe.h"

namespace backplane::x86::testing {
namespace {

std::unique_ptr<X86Cpu> make(backplane::testing::TestMachine& machine, std::string_view text) {
  return create_cpu(machine, text);
}
bool feature(const X86Cpu& cpu, std::string_view name) { return cpu.get_property(name) == "on"; }

TEST(Cpu, StartsAtTheResetVectorInRealMode) {
  Guest guest;
  const X86State& s = guest.state();
  EXPECT_EQ(s.seg[CS].base + s.rip, 0xfffffff0u);
  EXPECT_EQ(s.seg[CS].selector, 0xf000);
  EXPECT_EQ(s.cr0, 0x60000010u);
  EXPECT_EQ(s.rflags, 2u);
  EXPECT_EQ(s.idtr.limit, 0xffff);
  EXPECT_EQ(s.dr[6], 0xffff0ff0u);
  EXPECT_EQ(s.cpl(), 0u);
  EXPECT_EQ(s.code_bits(), 16u);
  u32 mxcsr = 0;
  std::memcpy(&mxcsr, s.xsave + 24, 4);
  EXPECT_EQ(mxcsr, 0x1f80u);
}

TEST(Cpu, InitKeepsFloatingPointRegistersAndModelSpecificOnes) {
  Guest guest;
  guest.enter_long_mode();
  guest.state().xsave[160] = 0x5a;
  guest.state().lstar = 0x1234;
  guest.state().pat = 6;
  guest.state().cr0 |= kCr0CD;
  guest.cpu().init_reset();
  EXPECT_EQ(guest.state().xsave[160], 0x5a);
  EXPECT_EQ(guest.state().lstar, 0x1234u);
  EXPECT_EQ(guest.state().pat, 6u);
  EXPECT_EQ(guest.state().cr0, kCr0ET | kCr0CD);
  EXPECT_EQ(guest.state().rip, 0xfff0u);
  EXPECT_FALSE(guest.state().long_mode_active());
}

TEST(Cpu, TheStateHasAStackBelowAndScratchSpaceAbove) {
  Guest guest;
  u8* state = reinterpret_cast<u8*>(&guest.state());
  state[-1] = 1;
  state[-static_cast<std::ptrdiff_t>(X86Cpu::kStackBelow)] = 1;
  u8* scratch = static_cast<u8*>(guest.cpu().scratch());
  EXPECT_EQ(scratch, state + X86Cpu::kScratchOffset);
  EXPECT_EQ(scratch[X86Cpu::kScratchAbove - 1], 0);
}

TEST(Cpu, DescribesItsRegisters) {
  Guest guest;
  guest.enter_long_mode();
  guest.reg(R9) = 0x1122334455667788;
  const Value cpus = guest.machine.call(ApicBus::of(guest.machine), "query-registers");
  EXPECT_NO_THROW(check(kRegisterSets, cpus));
  const Value& cpu = cpus.as_list().at(0);
  EXPECT_EQ(cpu.find("general")->find("r9")->as_unsigned(), 0x1122334455667788U);
  EXPECT_EQ(cpu.find("mode")->as_string(), "long, 64-bit");
  const std::string text = print_registers(cpus);
  EXPECT_EQ(text, guest.cpu().describe_registers());
  EXPECT_NE(text.find("R9 =1122334455667788"), std::string::npos) << text;
  EXPECT_NE(text.find("\nCS  "), std::string::npos) << text;
  EXPECT_NE(text.find("\nGDT base="), std::string::npos) << text;
  EXPECT_NE(text.find("] CPL=0\n"), std::string::npos) << text;
}

TEST(Cpu, TheTimeStampCounterAdvancesAndIsTheSameOnAllCpus) {
  Guest guest("max", 2);
  const u64 first = guest.cpu(0).tsc();
  const u64 second = guest.cpu(1).tsc();
  const u64 third = guest.cpu(0).tsc();
  EXPECT_LE(first, second);
  EXPECT_LE(second, third);
  EXPECT_GT(guest.cpu().tsc_frequency(), 100'000'000u);
}

TEST(Cpu, UnderInstructionCountingTheTimeStampCounterIsVirtualTime) {
  backplane::testing::TestMachine machine;
  i64 time = 0;
  machine.virtual_clock().follow_instructions([&] { return time; });
  machine.add_cpu(make(machine, "max"));
  machine.power_on();
  auto& cpu = static_cast<X86Cpu&>(*machine.cpus()[0]);
  const u64 before = cpu.tsc();
  time += 12345;
  EXPECT_EQ(cpu.tsc(), before + 12345);
  EXPECT_EQ(cpu.tsc_frequency(), 1'000'000'000u);
}

// --- models and options ----------------------------------------------------------------------

TEST(CpuModels, EachLevelHasWhatTheOneBeforeHas) {
  backplane::testing::TestMachine machine;
  const auto v1 = make(machine, "x86-64-v1"), v2 = make(machine, "x86-64-v2"),
             v3 = make(machine, "x86-64-v3-x86-cpu");
  EXPECT_TRUE(feature(*v1, "sse2"));
  EXPECT_FALSE(feature(*v1, "ssse3"));
  EXPECT_TRUE(feature(*v2, "sse4.2"));
  EXPECT_FALSE(feature(*v2, "xsave"));
  EXPECT_FALSE(feature(*v2, "avx2"));
  EXPECT_FALSE(feature(*v3, "sha-ni"));
}

TEST(CpuModels, FeaturesAreSwitched) {
  backplane::testing::TestMachine machine;
  const auto cpu = make(machine, "x86-64-v2,-sse4_2,+smep,smap=on,popcnt=off");
  EXPECT_FALSE(feature(*cpu, "sse4.2"));
  EXPECT_TRUE(feature(*cpu, "smep"));
  EXPECT_TRUE(feature(*cpu, "smap"));
  EXPECT_FALSE(feature(*cpu, "popcnt"));
}

TEST(CpuModels, WhatDependsOnAFeatureGoesWithIt) {
  backplane::testing::TestMachine machine;
  const auto cpu = make(machine, "max,-xsave");
  for (const char* name : {"avx", "avx2", "fma", "f16c", "xsaveopt", "vaes"})
    EXPECT_FALSE(feature(*cpu, name)) << name;
}

TEST(CpuModels, IdentityIsSettable) {
  backplane::testing::TestMachine machine;
  machine.add_cpu(make(machine, "max,vendor=AuthenticAMD,family=23,model=49,stepping=1"));
  const auto& cpu = static_cast<X86Cpu&>(*machine.cpus()[0]);
  EXPECT_EQ(cpu.cpuid(1, 0).eax, 0x00830f11u);
}

std::string error_of_options(std::string_view text) {
  backplane::testing::TestMachine machine;
  try {
    machine.add_cpu(make(machine, text));
  } catch (const Error& e) {
    return std::string(e.what()) + " / " + e.hint();
  }
  return {};
}

TEST(CpuModels, BadOptionsAreNamed) {
  EXPECT_NE(error_of_options("nosuch").find("such a CPU model"), std::string::npos);
  EXPECT_NE(error_of_options("nosuch").find("x86-64-v3"), std::string::npos) << "lists the models";
  EXPECT_NE(error_of_options("max,+nosuch").find("nosuch"), std::string::npos);
  EXPECT_NE(error_of_options("max,phys-bits=99"), "");
  EXPECT_NE(error_of_options("max,vendor=short"), "");
  EXPECT_NE(error_of_options("max,,+smep,"), "");
  EXPECT_NE(error_of_options("max,+smep=on"), "");
  EXPECT_EQ(error_of_options("max,+smep,-smap,model=3"), "");
}

}  // namespace
}  // namespace backplane::x86::testing
