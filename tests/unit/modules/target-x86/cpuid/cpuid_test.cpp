// SPDX-License-Identifier: MIT
#include <cstring>
#include <string>

#include "../guest.h"
#include "cpuid/features.h"

namespace backplane::x86::testing {
namespace {

std::string text(std::initializer_list<u32> words) {
  std::string out;
  for (const u32 w : words) out.append(reinterpret_cast<const char*>(&w), 4);
  return out.c_str();
}
bool bit(u32 word, unsigned n) { return ((word >> n) & 1) != 0; }

TEST(Cpuid, NamesTheProcessor) {
  Guest guest;
  const CpuidResult r = guest.cpu().cpuid(0, 0);
  EXPECT_EQ(r.eax, 0x1fu);
  EXPECT_EQ(text({r.ebx, r.edx, r.ecx}), "GenuineIntel");
  EXPECT_EQ(guest.cpu().cpuid(1, 0).eax, 0x000106cau) << "family 6, model 1Ch, stepping 10";
  EXPECT_EQ(guest.cpu().cpuid(1, 0).eax, guest.reg(RDX)) << "the signature after reset";
  const CpuidResult h = guest.cpu().cpuid(0x40000000, 0);
  EXPECT_EQ(text({h.ebx, h.ecx, h.edx}), "BackplaneVMM");
  const CpuidResult b = guest.cpu().cpuid(0x80000002, 0);
  EXPECT_EQ(text({b.eax, b.ebx, b.ecx, b.edx}), "Backplane CPU (m");
}

TEST(Cpuid, FeatureBitsAgreeWithTheFeatures) {
  for (const char* model : {"x86-64-v1", "x86-64-v2", "max"}) {
    Guest guest(model);
    guest.enter_long_mode();
    const auto leaf1 = guest.cpu().cpuid(1, 0), leaf7 = guest.cpu().cpuid(7, 0),
               extended = guest.cpu().cpuid(0x80000001, 0);
    const X86Cpu::Features& f = guest.cpu().features();
    EXPECT_EQ(bit(leaf1.ecx, 28), f.avx) << model;
    EXPECT_EQ(bit(leaf1.ecx, 20), f.sse42) << model;
    EXPECT_EQ(bit(leaf7.ebx, 5), f.avx2) << model;
    EXPECT_EQ(bit(leaf7.ebx, 20), f.smap) << model;
    EXPECT_EQ(bit(leaf7.ecx, 2), f.umip) << model;
    EXPECT_EQ(bit(leaf7.edx, 4), f.fsrm) << model;
    EXPECT_EQ(bit(extended.ecx, 5), f.lzcnt) << model;
    EXPECT_EQ(bit(extended.edx, 11), f.syscall) << model;
    EXPECT_EQ(bit(extended.edx, 26), f.gbpages) << model;
  }
}

TEST(Cpuid, OffersNothingThatIsNotImplemented) {
  Guest guest;
  const auto leaf1 = guest.cpu().cpuid(1, 0), leaf7 = guest.cpu().cpuid(7, 0);
  EXPECT_FALSE(bit(leaf1.ecx, 3)) << "MONITOR";
  EXPECT_FALSE(bit(leaf1.ecx, 5)) << "VMX";
  EXPECT_FALSE(bit(leaf1.edx, 1)) << "VME";
  for (const unsigned n : {4u, 11u, 14u, 16u, 17u, 30u, 31u})  // HLE, RTM, MPX, AVX-512
    EXPECT_FALSE(bit(leaf7.ebx, n)) << n;
  for (const unsigned n : {3u, 16u}) EXPECT_FALSE(bit(leaf7.ecx, n)) << n;             // PKU, LA57
  for (const unsigned n : {22u, 24u, 25u, 26u}) EXPECT_FALSE(bit(leaf7.edx, n)) << n;  // AMX, IBRS
  EXPECT_FALSE(bit(guest.cpu().cpuid(0xd, 1).eax, 3)) << "XSAVES";
}

TEST(Cpuid, BitsThatFollowTheState) {
  Guest guest;
  guest.enter_long_mode();
  EXPECT_TRUE(bit(guest.cpu().cpuid(1, 0).ecx, 27)) << "OSXSAVE";
  guest.state().cr4 = kCr4PAE;
  EXPECT_FALSE(bit(guest.cpu().cpuid(1, 0).ecx, 27));
  EXPECT_TRUE(bit(guest.cpu().cpuid(1, 0).edx, 9)) << "APIC";
  write_msr(guest.context(), 0x1b, 0xfee00100);
  EXPECT_FALSE(bit(guest.cpu().cpuid(1, 0).edx, 9));
  EXPECT_TRUE(bit(guest.cpu().cpuid(0x80000001, 0).edx, 11)) << "SYSCALL, in 64-bit mode";
  guest.enter_protected_mode();
  EXPECT_FALSE(bit(guest.cpu().cpuid(0x80000001, 0).edx, 11));
}

TEST(Cpuid, XsaveAreaFollowsXcr0) {
  Guest guest;
  if (!guest.cpu().features().avx) GTEST_SKIP() << "the host has no AVX";
  EXPECT_EQ(guest.cpu().cpuid(0xd, 0).eax, 7u);
  EXPECT_EQ(guest.cpu().cpuid(0xd, 0).ebx, 576u);
  EXPECT_EQ(guest.cpu().cpuid(0xd, 0).ecx, 832u);
  guest.state().xcr0 = 7;
  EXPECT_EQ(guest.cpu().cpuid(0xd, 0).ebx, 832u);
  const CpuidResult avx = guest.cpu().cpuid(0xd, 2);
  EXPECT_EQ(avx.eax, 256u);
  EXPECT_EQ(avx.ebx, 576u);
  EXPECT_EQ(guest.cpu().cpuid(0xd, 3).eax, 0u);
}

TEST(Cpuid, CachesHaveTheirSizes) {
  Guest guest;
  const u64 sizes[] = {32 << 10, 32 << 10, 1 << 20, 16 << 20};
  for (unsigned i = 0; i < 4; ++i) {
    const CpuidResult r = guest.cpu().cpuid(4, i);
    EXPECT_EQ(u64{(r.ebx >> 22) + 1} * ((r.ebx & 0xfff) + 1) * (r.ecx + 1), sizes[i]);
  }
}

TEST(Cpuid, TellsTheTimeStampCountersRate) {
  Guest guest;
  const CpuidResult r = guest.cpu().cpuid(0x15, 0);
  if (r.eax == 0) GTEST_SKIP() << "the host's rate is no fraction that a kernel can compute";
  const double rate = static_cast<double>(r.ecx) * r.ebx / r.eax;
  const double frequency = static_cast<double>(guest.cpu().tsc_frequency());
  EXPECT_NEAR(rate, frequency, frequency * 2e-6);
  EXPECT_EQ(r.ecx, LocalApic::kTimerFrequency);
  EXPECT_TRUE(bit(guest.cpu().cpuid(0x80000007, 0).edx, 8)) << "invariant";
}

TEST(Cpuid, LeavesBeyondTheLastAnswerAsTheLast) {
  Guest guest;
  EXPECT_NE(guest.cpu().cpuid(0x1f, 1).ecx, 0u);
  EXPECT_EQ(guest.cpu().cpuid(0x1000, 1).ecx, guest.cpu().cpuid(0x1f, 1).ecx);
  EXPECT_EQ(guest.cpu().cpuid(0x90000000, 1).ecx, guest.cpu().cpuid(0x1f, 1).ecx);
  Guest amd("max,vendor=AuthenticAMD,family=23");
  EXPECT_EQ(amd.cpu().cpuid(0x1000, 1).ecx, 0u) << "zeros on AMD's";
}

TEST(Features, EachDependencyExistsAndEachNameIsUnique) {
  for (std::size_t i = 0; i < kFeatureCount; ++i) {
    const Feature& f = all_features()[i];
    EXPECT_EQ(find_feature(f.name), static_cast<int>(i)) << f.name;
    EXPECT_TRUE(f.requires_name.empty() || find_feature(f.requires_name) >= 0) << f.name;
    for (std::size_t j = i + 1; j < kFeatureCount; ++j)
      EXPECT_FALSE(f.word == all_features()[j].word && f.bit == all_features()[j].bit) << f.name;
  }
}

TEST(Features, SpellingsOfANameAreTheSame) {
  EXPECT_EQ(find_feature("sse4_1"), find_feature("sse4.1"));
  EXPECT_EQ(find_feature("tsc_deadline"), find_feature("tsc-deadline"));
  EXPECT_EQ(find_feature("sse4"), -1);
}

TEST(Cpuid, TellsWhatAnAcceleratorShowsDifferently) {
  Guest guest("x86-64-v2");
  const X86Cpu& cpu = guest.cpu();
  const auto same = [&cpu](u32 leaf, u32 subleaf) {
    CpuidResult r = cpu.cpuid(leaf, subleaf);
    if (leaf == 0x80000001) r.edx |= 1u << 11;  // SYSCALL, which the model shows in 64-bit code
    return r;
  };
  EXPECT_TRUE(cpu.compare_features(same).empty());
  const auto other = [&same](u32 leaf, u32 subleaf) {
    CpuidResult r = same(leaf, subleaf);
    if (leaf == 1) r.ecx &= ~(1u << 20);
    if (leaf == 7 && subleaf == 0) r.ebx |= 1u << 5;
    return r;
  };
  EXPECT_EQ(cpu.compare_features(other),
            (std::vector<CpuidDifference>{{"sse4.2", false, true}, {"avx2", true, true}}));
}

TEST(Cpuid, AModelThatFollowsTheHostPromisesOnlyWhatTheUserAskedFor) {
  Guest guest("max,-avx2");
  const X86Cpu& cpu = guest.cpu();
  const auto shown = [&cpu](u32 leaf, u32 subleaf) {
    CpuidResult r = cpu.cpuid(leaf, subleaf);
    if (leaf == 0x80000001) r.edx |= 1u << 11;
    if (leaf == 1) r.ecx &= ~(1u << 20);
    if (leaf == 7 && subleaf == 0) r.ebx |= 1u << 5;
    return r;
  };
  EXPECT_EQ(cpu.compare_features(shown),
            (std::vector<CpuidDifference>{{"sse4.2", false, false}, {"avx2", true, true}}));
}

TEST(Cpuid, NamesTheBitsThatTheUserTookAway) {
  Guest guest("max,-avx2,-sse4.2");
  EXPECT_EQ(guest.cpu().switched_off(7, 0).ebx, 1u << 5);
  EXPECT_EQ(guest.cpu().switched_off(1, 0).ecx, 1u << 20);
  EXPECT_EQ(guest.cpu().switched_off(7, 1).eax, 0u);
}

TEST(Cpuid, TheHostItselfNeedsAnAcceleratorThatRunsOnIt) {
  backplane::testing::TestMachine machine;
  try {
    machine.add_cpu(create_cpu(machine, "host"));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("does not show the guest the host processor"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace backplane::x86::testing
