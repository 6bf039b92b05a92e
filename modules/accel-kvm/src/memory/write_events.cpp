// SPDX-License-Identifier: MIT
#include "memory/write_events.h"

#include "backplane/event_fd.h"
#include "backplane/log.h"

namespace backplane::kvm {

WriteEvents::WriteEvents(const Descriptor& vm, const System& system, Space space)
    : vm_(vm),
      available_(system.capability(KVM_CAP_IOEVENTFD) > 0 &&
                 system.capability(KVM_CAP_IOEVENTFD_ANY_LENGTH) > 0),
      flags_(space == Space::Ports ? u32{KVM_IOEVENTFD_FLAG_PIO} : 0) {}

int WriteEvents::assign(u64 address, const MemoryRegion::Eventfd& eventfd, u32 flags) const {
  kvm_ioeventfd request{};
  request.addr = address;
  request.len = eventfd.size;
  request.fd = eventfd.event->waitable();
  request.flags = flags | flags_;
  if (eventfd.match) {
    request.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
    request.datamatch = eventfd.value;
  }
  return vm_.try_call(KVM_IOEVENTFD, &request);
}

// One that the kernel refuses costs an exit, and nothing else.
void WriteEvents::eventfd_added(u64 address, const MemoryRegion::Eventfd& eventfd) {
  if (const int result = assign(address, eventfd, 0); result < 0)
    log::print(LogCategory::Accel, "KVM signals no eventfd at {:#x}: error {}", address, -result);
}

void WriteEvents::eventfd_removed(u64 address, const MemoryRegion::Eventfd& eventfd) {
  assign(address, eventfd, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

}  // namespace backplane::kvm
