// SPDX-License-Identifier: MIT
// A guest of four bytes writes one page; KVM and the slots tell which.
#include "backplane/dirty_log.h"

#include <gtest/gtest.h>

#include "kernel/system.h"
#include "memory/memory_slots.h"
#include "vcpu/run_page.h"

namespace backplane::kvm {
namespace {

constexpr u8 kCode[] = {
    0xa2, 0x05, 0x30,  // mov [3005h], al
    0xf4,              // hlt
};
constexpr u64 kCodeAddress = 0x1000;

// Runs the code in real mode until it halts; false if KVM does not.
bool run(const System& system, const Descriptor& vm) {
  const Descriptor vcpu(vm.call("cannot create a vCPU", KVM_CREATE_VCPU, 0L));
  const RunPage page(vcpu, system.run_size());
  kvm_sregs sregs{};
  vcpu.call("cannot read the segments", KVM_GET_SREGS, &sregs);
  sregs.cs.base = sregs.cs.selector = 0;
  vcpu.call("cannot set the segments", KVM_SET_SREGS, &sregs);
  kvm_regs regs{};
  regs.rip = kCodeAddress;
  regs.rflags = 2;
  vcpu.call("cannot set the registers", KVM_SET_REGS, &regs);
  return vcpu.try_call(KVM_RUN) == 0 && page->exit_reason == KVM_EXIT_HLT;
}

TEST(KvmDirtyLog, TellsThePageThatTheGuestWrote) {
  if (const auto reason = System::unavailable_reason()) GTEST_SKIP() << "kvm: " << *reason;
  const System system;
  const Descriptor vm = system.create_vm();
  const auto root = MemoryRegion::container("root", MemoryRegion::kMaxSize);
  const auto block = std::make_shared<RamBlock>("ram", 16 * kPageSize);
  const auto ram = MemoryRegion::ram("ram", block, 0, block->size());
  root->add_subregion(0, *ram);
  AddressSpace space("memory", *root);
  MemorySlots slots(vm, system);
  space.add_listener(slots);
  space.write(kCodeAddress, kCode, sizeof kCode);
  {
    DirtyLog log(space, block);
    if (!run(system, vm)) GTEST_SKIP() << "kvm: it does not run four bytes of real mode";
    EXPECT_EQ(log.take(), std::vector<u64>{0x3000});
    EXPECT_EQ(log.take(), std::vector<u64>{});
  }
  space.remove_listener(slots);
}

}  // namespace
}  // namespace backplane::kvm
