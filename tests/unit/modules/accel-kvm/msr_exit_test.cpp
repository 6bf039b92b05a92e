// SPDX-License-Identifier: MIT
#include "vcpu/msr_exit.h"

#include <gtest/gtest.h>

#include "backplane/testing/test_machine.h"
#include "backplane/x86/apic.h"

namespace backplane::kvm {
namespace {

constexpr u32 kApicBase = 0x1b, kNoSuchMsr = 0x4b564d99;

class MsrExitTest : public ::testing::Test {
 protected:
  MsrExitTest() { machine_.add_cpu(x86::create_cpu(machine_, "max")); }
  x86::X86Cpu& cpu() { return dynamic_cast<x86::X86Cpu&>(*machine_.cpus().front()); }
  void exit(u32 reason, u32 index, u64 data = 0) {
    run_.exit_reason = reason;
    run_.msr.index = index;
    run_.msr.data = data;
    x86::WalkingMemory memory(cpu().state(), machine_.memory());
    answer_msr_exit(cpu(), memory, run_);
  }

  backplane::testing::TestMachine machine_;
  kvm_run run_{};
};

TEST_F(MsrExitTest, ReadsAndWritesOurLocalApic) {
  exit(KVM_EXIT_X86_RDMSR, kApicBase);
  EXPECT_EQ(run_.msr.error, 0);
  EXPECT_EQ(run_.msr.data, cpu().apic().base());
  exit(KVM_EXIT_X86_WRMSR, kApicBase, cpu().apic().base() & ~x86::LocalApic::kBaseEnable);
  EXPECT_EQ(run_.msr.error, 0);
  EXPECT_FALSE(cpu().apic().enabled());
}

TEST_F(MsrExitTest, StateThatIsOfAnEarlierExitInRing3DoesNotMatter) {
  x86::X86State& state = cpu().state();
  state.cr0 |= x86::kCr0PE;
  state.seg[x86::SS].attributes |= 0x60;
  exit(KVM_EXIT_X86_RDMSR, kApicBase);
  EXPECT_EQ(run_.msr.error, 0);
  state.rflags |= x86::kVM;
  exit(KVM_EXIT_X86_RDMSR, kApicBase);
  EXPECT_EQ(run_.msr.error, 0);
}

TEST_F(MsrExitTest, ARegisterThatIsNotThereIsAnException) {
  exit(KVM_EXIT_X86_RDMSR, kNoSuchMsr);
  EXPECT_EQ(run_.msr.error, 1);
}

}  // namespace
}  // namespace backplane::kvm
