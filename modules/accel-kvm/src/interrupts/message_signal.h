// SPDX-License-Identifier: MIT
// A message that the kernel sends to the local APICs when an eventfd is written.
// [Linux Documentation/virt/kvm/api.rst "KVM_IRQFD"]
#pragma once

#include "backplane/accelerator.h"
#include "backplane/event_fd.h"
#include "interrupts/gsi_routing.h"

namespace backplane::kvm {

class KvmMessageSignal final : public MessageSignal {
 public:
  // Throws Error if the kernel has no room for it. Both outlive it.
  KvmMessageSignal(const Descriptor& vm, GsiRouting& routing);
  ~KvmMessageSignal() override;

  bool set_message(u64 address, u32 data) override;
  void signal() override { event_.signal(); }

 private:
  void attach(bool attached) const;

  const Descriptor& vm_;
  GsiRouting& routing_;
  EventFd event_;
  u32 gsi_;
};

}  // namespace backplane::kvm
