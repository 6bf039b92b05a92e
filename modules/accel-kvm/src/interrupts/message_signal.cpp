// SPDX-License-Identifier: MIT
#include "interrupts/message_signal.h"

#include <sys/eventfd.h>

namespace backplane::kvm {

KvmMessageSignal::KvmMessageSignal(const Descriptor& vm, GsiRouting& routing)
    : vm_(vm), routing_(routing), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_.fd() < 0) throw Error::system("cannot create an eventfd", errno);
  gsi_ = routing_.allocate();
  try {
    attach(true);
  } catch (const Error&) {
    routing_.release(gsi_);
    throw;
  }
}

KvmMessageSignal::~KvmMessageSignal() {
  attach(false);
  routing_.release(gsi_);
}

void KvmMessageSignal::attach(bool attached) const {
  kvm_irqfd irqfd{};
  irqfd.fd = static_cast<u32>(event_.fd());
  irqfd.gsi = gsi_;
  irqfd.flags = attached ? 0 : KVM_IRQFD_FLAG_DEASSIGN;
  const int result = vm_.try_call(KVM_IRQFD, &irqfd);
  if (attached && result < 0)
    throw Error::system("cannot attach an eventfd to an interrupt", -result);
}

void KvmMessageSignal::set_message(u64 address, u32 data) {
  routing_.set_message(gsi_, {address, data});
  routing_.commit();
}

void KvmMessageSignal::signal() {
  // The kernel empties the counter at once: it can only be full for as long as that takes.
  eventfd_write(event_.fd(), 1);
}

}  // namespace backplane::kvm
