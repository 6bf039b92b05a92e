// SPDX-License-Identifier: MIT
// How a partition is set up, and what is left when that fails.
#include "partition/partition.h"

#include "backplane/error.h"
#include "partition/cpuid_leaves.h"
#include "scripted.h"

namespace backplane::whpx::testing {
namespace {

using Calls = std::vector<std::string>;

// Every result that the platform documents, and some that leak out of it.
constexpr u32 kResults[] = {0x80370300, 0x80370301, 0x80370302, 0x80370303, 0x80370304, 0x80370305,
                            0x80370306, 0x80370307, 0x80370308, 0x80370309, 0x80370310, 0x80004001,
                            0x80004005, 0x80070005, 0x80070057, 0xc0350005, 0xc0350012};

class WhpxPartition : public Scripted {
 protected:
  Dispatch dispatch{kLibraries};
  PartitionOptions options;
};

TEST_F(WhpxPartition, IsSetUpInOrder) {
  options.processors = 3;
  {
    const Partition partition(dispatch, options);
    EXPECT_EQ(script.partitions, 1);
  }
  EXPECT_EQ(script.calls,
            (Calls{"WHvGetCapability 0", "WHvGetCapability 1", "WHvCreatePartition",
                   "WHvGetPartitionProperty 1006", "WHvSetPartitionProperty 1fff",
                   "WHvGetCapability 2", "WHvSetPartitionProperty 1", "WHvSetPartitionProperty 5",
                   "WHvSetPartitionProperty 1003", "WHvSetPartitionProperty 2", "WHvSetupPartition",
                   "WHvDeletePartition"}));
  EXPECT_EQ(property(WHvPartitionPropertyCodeProcessorCount), 3U);
  EXPECT_EQ(property(WHvPartitionPropertyCodeExtendedVmExits), 7U);  // CPUID, MSR, exception
  EXPECT_EQ(property(WHvPartitionPropertyCodeCpuidExitList), 0x00000004'00000001U)
      << "the first leaves";
  EXPECT_EQ(property(WHvPartitionPropertyCodeExceptionExitBitmap), 0U);
}

TEST_F(WhpxPartition, IsDeletedWhateverFails) {
  for (const char* call :
       {"WHvGetPartitionProperty 1006", "WHvSetPartitionProperty 1fff", "WHvSetPartitionProperty 1",
        "WHvSetPartitionProperty 5", "WHvSetPartitionProperty 1003", "WHvSetPartitionProperty 2",
        "WHvSetupPartition"})
    for (const u32 result : kResults) {
      SCOPED_TRACE(fmt::format("{} {:x}", call, result));
      script.failures = {{call, hresult(result)}};
      script.calls.clear();
      const auto [line, system] = error_of([&] { const Partition partition(dispatch, options); });
      EXPECT_EQ(script.partitions, 0);
      EXPECT_EQ(script.calls.back(), "WHvDeletePartition");
      // Hosts that are older than these two properties do without.
      const std::string name = call;
      if (hresult(result) == kUnknownProperty && (name.ends_with("1006") || name.ends_with(" 5"))) {
        EXPECT_EQ(line, "");
        continue;
      }
      EXPECT_TRUE(line.starts_with("WHPX: cannot ")) << line;
      EXPECT_TRUE(line.ends_with(fmt::format(", hr={:08x}", result))) << line;
      EXPECT_EQ(system, "Invalid argument");
    }
}

TEST_F(WhpxPartition, IsNotMadeIfThePlatformFailsBefore) {
  for (const char* call : {"WHvGetCapability 1", "WHvCreatePartition"})
    for (const u32 result : kResults) {
      script.failures = {{call, hresult(result)}};
      script.calls.clear();
      const auto [line, system] = error_of([&] { const Partition partition(dispatch, options); });
      EXPECT_TRUE(line.ends_with(fmt::format(", hr={:08x}", result))) << line;
      EXPECT_EQ(system, "Invalid argument");
      EXPECT_EQ(script.calls.back(), call);
    }
}

TEST_F(WhpxPartition, NeedsAHypervisor) {
  script.hypervisor_present = false;
  const auto [line, system] = error_of([&] { const Partition partition(dispatch, options); });
  EXPECT_EQ(line, "WHPX: No accelerator found, hr=00000000");
  EXPECT_EQ(system, "No space left on device");
  script.failures = {{"WHvGetCapability 0", hresult(0xc0350005)}};
  EXPECT_EQ(error_of([&] { require_hypervisor(dispatch); }).first,
            "WHPX: No accelerator found, hr=c0350005");
}

TEST_F(WhpxPartition, KnowsWhetherItHasXsave) {
  EXPECT_TRUE(Partition(dispatch, options).has_xsave());
  script.xsave.AsUINT64 = 0;
  EXPECT_FALSE(Partition(dispatch, options).has_xsave());
  script.failures = {{"WHvGetPartitionProperty 1006", kUnknownProperty}};
  EXPECT_FALSE(Partition(dispatch, options).has_xsave());
}

TEST_F(WhpxPartition, AsksForTheExitsThatThereAre) {
  script.exits.AsUINT64 = 2;
  options.cpuid = [](bool) {
    WHV_X64_CPUID_RESULT result{};
    result.Function = kFeatureLeaf;
    return std::vector{result};
  };
  { const Partition partition(dispatch, options); }
  EXPECT_EQ(property(WHvPartitionPropertyCodeExtendedVmExits), 2U);
  EXPECT_FALSE(script.properties.contains(WHvPartitionPropertyCodeCpuidExitList));
  EXPECT_EQ(script.properties[WHvPartitionPropertyCodeCpuidResultList].size(), 32U);
}

TEST_F(WhpxPartition, AsksForAllExitsIfThePlatformCannotTell) {
  script.tells_exits = false;
  { const Partition partition(dispatch, options); }
  EXPECT_EQ(property(WHvPartitionPropertyCodeExtendedVmExits), 7U);
}

}  // namespace
}  // namespace backplane::whpx::testing
