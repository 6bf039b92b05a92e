// SPDX-License-Identifier: MIT
// The leaves that tell a guest of KVM. (What it does with them is in tests/guests.)
#include "vcpu/paravirtual.h"

#include <gtest/gtest.h>

#include <string>

namespace backplane::kvm {
namespace {

constexpr u32 kEverything = ~u32{0};
// [cpuid.rst "function: KVM_CPUID_FEATURES"]
constexpr u32 kClock2 = 1u << 3, kPageFaults = 1u << 4, kEndOfInterrupt = 1u << 6;

TEST(KvmParavirtual, SaysWhoItIsAndWhichLeavesFollow) {
  const auto leaves = paravirtual_leaves(0x40000010, kEverything, true);
  EXPECT_EQ(leaves[0].function, 0x40000000U);
  EXPECT_EQ(leaves[0].eax, 0x40000010U);
  const u32 words[] = {leaves[0].ebx, leaves[0].ecx, leaves[0].edx};
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(words), sizeof words),
            std::string("KVMKVMKVM\0\0\0", 12));
}

TEST(KvmParavirtual, OffersWhatTheKernelHasAndWeLookAfter) {
  EXPECT_EQ(paravirtual_leaves(0, kClock2, true)[1].eax, kClock2);
  const u32 all = paravirtual_leaves(0, kEverything, true)[1].eax;
  EXPECT_EQ(all & (kClock2 | kEndOfInterrupt), kClock2 | kEndOfInterrupt);
  EXPECT_EQ(all & kPageFaults, 0U) << "its registers are not reset";
}

TEST(KvmParavirtual, EndsOfInterruptsAreTheKernelsOnlyIfItsApicsAre) {
  EXPECT_EQ(paravirtual_leaves(0, kEverything, false)[1].eax & kEndOfInterrupt, 0U);
}

}  // namespace
}  // namespace backplane::kvm
