// SPDX-License-Identifier: MIT
// Lets the kernel signal eventfds when the guest writes to certain addresses or ports, so that such
// a write is no exit. [Linux Documentation/virt/kvm/api.rst "KVM_IOEVENTFD"]
#pragma once

#include "backplane/memory.h"
#include "kernel/system.h"

namespace backplane::kvm {

// Of one address space. Machine lock.
class WriteEvents final : public MemoryListener {
 public:
  enum class Space { Memory, Ports };
  WriteEvents(const Descriptor& vm, const System& system, Space space);

  bool takes_eventfds() const override { return available_; }
  void eventfd_added(u64 address, const MemoryRegion::Eventfd& eventfd) override;
  void eventfd_removed(u64 address, const MemoryRegion::Eventfd& eventfd) override;

 private:
  int assign(u64 address, const MemoryRegion::Eventfd& eventfd, u32 flags) const;

  const Descriptor& vm_;
  bool available_;
  u32 flags_;
};

}  // namespace backplane::kvm
