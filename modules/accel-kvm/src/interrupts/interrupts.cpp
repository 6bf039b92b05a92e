// SPDX-License-Identifier: MIT
#include "interrupts/interrupts.h"

#include <algorithm>

#include "backplane/log.h"
#include "interrupts/message_signal.h"

namespace backplane::kvm {
namespace {

// The GSIs that stand for the inputs of an I/O APIC outside of the kernel.
constexpr u32 kIoApicInputs = 24;

struct Needed {
  int capability;
  const char* name;
  bool chips_only;
};
constexpr Needed kNeeded[] = {
    {KVM_CAP_IRQCHIP, "interrupt controllers", false},
    {KVM_CAP_MP_STATE, "multiprocessor state", false},
    {KVM_CAP_SIGNAL_MSI, "interrupt messages", false},
    {KVM_CAP_IRQ_ROUTING, "interrupt routing", false},
    {KVM_CAP_PIT2, "an 8254", true},
    {KVM_CAP_PIT_STATE2, "the state of its 8254", true},
    {KVM_CAP_REINJECT_CONTROL, "control of late ticks", true},
};

void check(const System& system, IrqchipMode mode) {
  const auto lacks = [&system](int capability) { return system.capability(capability) <= 0; };
  const auto refuse = [mode](const char* what) {
    throw Error(fmt::format("kernel-irqchip={}: this host's KVM lacks {}",
                            PropertyTraits<IrqchipMode>::print(mode), what),
                "use kernel-irqchip=off");
  };
  for (const Needed& needed : kNeeded)
    if ((mode == IrqchipMode::On || !needed.chips_only) && lacks(needed.capability))
      refuse(needed.name);
  if (mode == IrqchipMode::Split && lacks(KVM_CAP_SPLIT_IRQCHIP)) refuse("a split irqchip");
}

}  // namespace

KernelInterrupts::KernelInterrupts(const Descriptor& vm, const System& system, IrqchipMode mode)
    : vm_(vm),
      routing_(vm, mode == IrqchipMode::On ? KernelChipset::kGsis : kIoApicInputs,
               static_cast<u32>(std::max(0, system.capability(KVM_CAP_IRQ_ROUTING)))) {
  check(system, mode);
  if (mode == IrqchipMode::On) {
    chipset_.emplace(vm, routing_);
    return;
  }
  kvm_enable_cap enable{};
  enable.cap = KVM_CAP_SPLIT_IRQCHIP;
  enable.args[0] = kIoApicInputs;
  vm_.call("cannot create the kernel's local APICs", KVM_ENABLE_CAP, &enable);
}

void KernelInterrupts::deliver(const x86::InterruptMessage& message) const {
  const x86::MsiWrite write = x86::encode_msi(message);
  kvm_msi msi{};
  msi.address_lo = static_cast<u32>(write.address);
  msi.address_hi = static_cast<u32>(write.address >> 32);
  msi.data = write.data;
  // A message that addresses nobody is dropped, as on the bus.
  if (const int result = vm_.try_call(KVM_SIGNAL_MSI, &msi); result < 0)
    log::print(LogCategory::Int, "KVM refuses the message {:#x} to {:#x}: error {}", write.data,
               write.address, -result);
}

void KernelInterrupts::set_ioapic_messages(
    std::span<const x86::PlatformInterrupts::IoApicMessage> messages) {
  if (std::equal(messages.begin(), messages.end(), ioapic_messages_.begin(),
                 ioapic_messages_.end()))
    return;
  ioapic_messages_.assign(messages.begin(), messages.end());
  for (u32 input = 0; input < kIoApicInputs; ++input) routing_.clear(input);
  for (const auto& message : messages)
    routing_.set_message(message.input, {message.address, message.data});
  routing_.commit();
}

std::unique_ptr<MessageSignal> KernelInterrupts::create_message_signal() {
  try {
    return std::make_unique<KvmMessageSignal>(vm_, routing_);
  } catch (const Error& error) {
    log::print(LogCategory::Accel, "{}", error.what());
    return nullptr;
  }
}

}  // namespace backplane::kvm
