// SPDX-License-Identifier: MIT
// The registers that kernels use without a guard, by vendor.
#include "../guest.h"
#include "backplane/log.h"
#include "cpu/impl.h"

namespace backplane::x86::testing {
namespace {

constexpr const char* kIntel = "max";
constexpr const char* kAmd = "max,vendor=AuthenticAMD,family=23,model=49";
constexpr const char* kHygon = "max,vendor=HygonGenuine,family=24,model=1";

struct Vendor {
  const char* model;
  bool is_amd;
};
void PrintTo(const Vendor& v, std::ostream* out) { *out << v.model; }

class StoredMsrsOf : public ::testing::TestWithParam<Vendor> {
 protected:
  Guest guest{GetParam().model};
  void SetUp() override { guest.enter_long_mode(); }
  u64 read(u32 index) { return read_msr(guest.context(), index); }
  void write(u32 index, u64 value) { write_msr(guest.context(), index, value); }
};

INSTANTIATE_TEST_SUITE_P(Vendors, StoredMsrsOf,
                         ::testing::Values(Vendor{kIntel, false}, Vendor{kAmd, true},
                                           Vendor{kHygon, true}));

TEST_P(StoredMsrsOf, EveryMachineCheckBankThatIsCountedIsThere) {
  const u64 cap = read(0x179);
  const u32 banks = cap & 0xff;
  EXPECT_GT(banks, 4u) << "bank 4, the northbridge's, is used without counting";
  for (u32 n = 0; n < banks; ++n) {
    const u32 control = 0x400 + 4 * n;
    write(control, ~u64{0});
    EXPECT_EQ(read(control), ~u64{0}) << n;
    for (const u32 other : {control + 1, control + 2, control + 3}) {
      EXPECT_EQ(read(other), 0u) << "an error in bank " << n;
      EXPECT_NO_THROW(write(other, 0));
      expect_fault(kGP, 0, [&] { write(other, 1); });
    }
  }
  EXPECT_EQ(cap >> 8 & 1, GetParam().is_amd ? 1u : 0u) << "MCG_CTL";
  if (GetParam().is_amd)
    EXPECT_EQ(read(0x17b), ~u64{0});
  else
    expect_fault(kGP, 0, [&] { read(0x17b); });
}

TEST_P(StoredMsrsOf, OneVendorsAreNotTheOthers) {
  const u32 amds[] = {0xc0010000, 0xc0010004, 0xc0010010, 0xc0010015, 0xc001001a,
                      0xc001001d, 0xc001001f, 0xc0010030, 0xc0010055, 0xc0010058,
                      0xc0010061, 0xc0010064, 0xc0010111, 0xc0010112, 0xc0010114,
                      0xc0010140, 0xc0011020, 0xc0011029, 0xc001102a};
  const u32 intels[] = {0x2a, 0x34, 0xcd, 0xce, 0x11e, 0x140, 0x198, 0x199, 0x19a, 0x19c};
  for (const u32 index : amds) {
    if (GetParam().is_amd)
      EXPECT_NO_THROW(read(index)) << std::hex << index;
    else
      expect_fault(kGP, 0, [&] { read(index); });
  }
  for (const u32 index : intels) {
    if (!GetParam().is_amd)
      EXPECT_NO_THROW(read(index)) << std::hex << index;
    else
      expect_fault(kGP, 0, [&] { read(index); });
  }
}

class AmdMsrs : public ::testing::Test {
 protected:
  Guest guest{kAmd};
  void SetUp() override { guest.enter_long_mode(); }
  u64 read(u32 index) { return read_msr(guest.context(), index); }
  void write(u32 index, u64 value) { write_msr(guest.context(), index, value); }
};

TEST_F(AmdMsrs, SayWhatKernelsLookFor) {
  EXPECT_TRUE(read(0xc0010015) >> 24 & 1) << "HWCR: the TSC's rate is P0's";
  EXPECT_TRUE(read(0xc0011029) >> 1 & 1) << "DE_CFG: LFENCE serialises";
  EXPECT_TRUE(read(0xc0010114) >> 4 & 1) << "VM_CR: SVM is off";
  write(0xc0010015, 0);
  write(0xc0011029, 0);
  EXPECT_TRUE(read(0xc0010015) >> 24 & 1);
  EXPECT_TRUE(read(0xc0011029) >> 1 & 1);
}

TEST_F(AmdMsrs, KeepWhatIsWrittenUntilTheReset) {
  write(0xc001001f, u64{1} << 46);
  write(0xc0010015, u64{1} << 18 | u64{1} << 24);
  EXPECT_EQ(read(0xc001001f), u64{1} << 46);
  EXPECT_EQ(read(0xc0010015), u64{1} << 18 | u64{1} << 24);
  guest.cpu().reset();
  EXPECT_EQ(read(0xc001001f), 0u);
  EXPECT_EQ(read(0xc0010015), u64{1} << 24);
}

TEST_F(AmdMsrs, PerformanceCountersShowThatTheyDoNotCount) {
  write(0xc0010004, 0xabcd);
  EXPECT_EQ(read(0xc0010004), 0u);
}

TEST_F(AmdMsrs, HaveTheProcessorsName) {
  for (u32 n = 0; n < 3; ++n) {
    const CpuidResult leaf = guest.cpu().cpuid(0x80000002 + n, 0);
    EXPECT_EQ(read(0xc0010030 + 2 * n), leaf.eax | u64{leaf.ebx} << 32);
    EXPECT_EQ(read(0xc0010031 + 2 * n), leaf.ecx | u64{leaf.edx} << 32);
  }
}

TEST(IntelMsrs, PerfStatusTellsTheRateOfTheTimeStampCounter) {
  Guest guest(kIntel);
  guest.enter_long_mode();
  const u64 status = read_msr(guest.context(), 0x198);
  const u64 ratio = status >> 40 & 31;
  EXPECT_EQ(status >> 8 & 31, ratio);
  const u64 hertz = guest.cpu().tsc_frequency();
  if (hertz < 3'100'000'000)
    EXPECT_EQ(ratio, hertz / 100'000'000);
  else
    EXPECT_EQ(ratio, 31u);
}

TEST(RefusedMsrs, AreToldOfOnceAndNotForEver) {
  Guest guest(kIntel);
  guest.enter_long_mode();
  const unsigned before = log::enabled_mask.load();
  log::enable("guest_errors");
  ::testing::internal::CaptureStderr();
  for (unsigned round = 0; round < 2; ++round)
    for (u32 n = 0; n < 100; ++n)
      expect_fault(kGP, 0, [&] { read_msr(guest.context(), 0xc0012000 + n); });
  expect_fault(kGP, 0, [&] { write_msr(guest.context(), 0xc0012000, 0); });
  const std::string said = ::testing::internal::GetCapturedStderr();
  log::enabled_mask.store(before);
  EXPECT_NE(said.find("cpu 0: RDMSR of 0xc0012000 raises #GP\n"), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 32);
}

}  // namespace
}  // namespace backplane::x86::testing
