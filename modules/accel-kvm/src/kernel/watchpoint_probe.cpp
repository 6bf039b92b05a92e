// SPDX-License-Identifier: MIT
#include "kernel/watchpoint_probe.h"

#include <sys/mman.h>

#include <cstring>

#include "vcpu/guest_debug.h"
#include "vcpu/run_page.h"

namespace backplane::kvm {

namespace {

constexpr u64 kAddress = 0x1000, kWatched = 0x1800, kSize = 0x1000;
// In real mode: stores a word, and halts.
constexpr u8 kCode[] = {0xa3, 0x00, 0x18, 0xf4};

struct Page {
  Page() : at(mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (at == MAP_FAILED) throw Error::system("cannot map a page", errno);
  }
  ~Page() { munmap(at, kSize); }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  void* const at;
};

bool probe(const System& system) {
  const Page page;
  std::memcpy(page.at, kCode, sizeof kCode);
  const Descriptor vm = system.create_vm();
  kvm_userspace_memory_region region{};
  region.guest_phys_addr = kAddress;
  region.memory_size = kSize;
  region.userspace_addr = reinterpret_cast<u64>(page.at);
  vm.call("cannot give KVM a page", KVM_SET_USER_MEMORY_REGION, &region);
  const Descriptor vcpu(vm.call("cannot create a vCPU", KVM_CREATE_VCPU, 0L));
  const RunPage run(vcpu, system.run_size());
  kvm_sregs segments{};
  vcpu.call("cannot read segments", KVM_GET_SREGS, &segments);
  segments.cs.base = segments.cs.selector = 0;
  vcpu.call("cannot set segments", KVM_SET_SREGS, &segments);
  kvm_regs registers{};
  registers.rip = kAddress;
  registers.rflags = 2;
  vcpu.call("cannot set registers", KVM_SET_REGS, &registers);
  GuestDebug debug(false);
  debug.set_points({{kWatched, 2, false, {kWatched, 2, false, true}}});
  debug.tell_kernel(vcpu);
  // A signal may come first.
  int result = 0;
  do result = vcpu.try_call(KVM_RUN);
  while (result == -EINTR);
  return result >= 0 && run->exit_reason == KVM_EXIT_DEBUG && (run->debug.arch.dr6 & 1) != 0;
}

}  // namespace

bool reports_watchpoints(const System& system) {
  try {
    return probe(system);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace backplane::kvm
