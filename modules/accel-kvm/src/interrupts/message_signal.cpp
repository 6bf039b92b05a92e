// SPDX-License-Identifier: MIT
#include "interrupts/message_signal.h"

#include "backplane/log.h"

namespace backplane::kvm {

KvmMessageSignal::KvmMessageSignal(const Descriptor& vm, GsiRouting& routing)
    : vm_(vm), routing_(routing) {
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
  irqfd.fd = static_cast<u32>(event_.waitable());
  irqfd.gsi = gsi_;
  irqfd.flags = attached ? 0 : KVM_IRQFD_FLAG_DEASSIGN;
  const int result = vm_.try_call(KVM_IRQFD, &irqfd);
  if (attached && result < 0)
    throw Error::system("cannot attach an eventfd to an interrupt", -result);
}

bool KvmMessageSignal::set_message(u64 address, u32 data) {
  if (!x86::is_msi_address(address)) return false;
  routing_.set_message(gsi_, {address, data});
  try {
    routing_.commit();
  } catch (const Error& error) {
    routing_.clear(gsi_);
    log::print(LogCategory::Accel, "{}", error.what());
    return false;
  }
  return true;
}

}  // namespace backplane::kvm
