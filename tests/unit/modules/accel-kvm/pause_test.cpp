// SPDX-License-Identifier: MIT
// The kernel's APIC timer over a stop of the machine.
#include "vcpu/pause.h"

#include <gtest/gtest.h>

#include "backplane/x86/apic.h"

namespace backplane::kvm {
namespace {

using Apic = x86::LocalApic;

constexpr u8 kTimerVector = 0xec, kDiskVector = 0x41;

void request(x86::ApicPage& page, u8 vector) {
  page[Apic::kIrr + vector / 32u] |= u32{1} << vector % 32;
}
bool requested(const x86::ApicPage& page, u8 vector) {
  return (page[Apic::kIrr + vector / 32u] >> vector % 32 & 1) != 0;
}

class KvmPausedTimer : public testing::Test {
 protected:
  KvmPausedTimer() {
    then[Apic::kLvtTimer] = now[Apic::kLvtTimer] = kTimerVector;
    then[Apic::kTimerCurrent] = 1234;
  }
  x86::ApicPage then{}, now{};
};

TEST_F(KvmPausedTimer, GoesOnWithTheCountThatWasLeft) {
  EXPECT_EQ(with_timer_of(now, then)[Apic::kTimerCurrent], 1234U);
}

TEST_F(KvmPausedTimer, WhatItSentMeanwhileIsTakenBack) {
  request(now, kTimerVector);
  EXPECT_FALSE(requested(with_timer_of(now, then), kTimerVector));
}

TEST_F(KvmPausedTimer, WhatItSentBeforeStays) {
  request(then, kTimerVector);
  request(now, kTimerVector);
  EXPECT_TRUE(requested(with_timer_of(now, then), kTimerVector));
}

TEST_F(KvmPausedTimer, InterruptsOfDevicesThatCameMeanwhileStay) {
  request(now, kDiskVector);
  EXPECT_TRUE(requested(with_timer_of(now, then), kDiskVector));
}

}  // namespace
}  // namespace backplane::kvm
