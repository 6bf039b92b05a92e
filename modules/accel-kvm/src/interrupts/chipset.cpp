// SPDX-License-Identifier: MIT
#include "interrupts/chipset.h"

#include <cstring>

namespace backplane::kvm {
namespace {

constexpr u32 kPicInputs = 16, kIoApicInputs = 24;
constexpr u32 kTimerGsi = 0;
// GSI n is input n of the I/O APIC, and this plus n input n of the 8259 pair. (Input 0 of the I/O
// APIC has no wire.)
constexpr u32 kFirstPicGsi = kIoApicInputs;
static_assert(kFirstPicGsi + kPicInputs == KernelChipset::kGsis);

constexpr u64 kIoApicAddress = 0xfec00000;

}  // namespace

KernelChipset::KernelChipset(const Descriptor& vm, GsiRouting& routing)
    : vm_(vm), pic_(vm, kFirstPicGsi), ioapic_(vm, 0) {
  vm_.call("cannot create the kernel's interrupt controllers", KVM_CREATE_IRQCHIP);
  kvm_pit_config config{};
  config.flags = KVM_PIT_SPEAKER_DUMMY;  // port 61h as well
  vm_.call("cannot create the kernel's 8254", KVM_CREATE_PIT2, &config);

  for (u32 input = 0; input < kPicInputs; ++input)
    routing.add_chip_input(kFirstPicGsi + input, kPicChips[input / 8], input % 8);
  for (u32 input = 1; input < kIoApicInputs; ++input)
    routing.add_chip_input(input, KVM_IRQCHIP_IOAPIC, input);
  routing.add_chip_input(kTimerGsi, kPicChips[0], kTimerPicInput);
  routing.add_chip_input(kTimerGsi, KVM_IRQCHIP_IOAPIC, kTimerIoApicInput);
  routing.commit();
}

void KernelChipset::Inputs::set_irq(unsigned input, bool level) {
  kvm_irq_level line{};
  line.irq = first_gsi_ + input;
  line.level = level ? 1 : 0;
  vm_.call("cannot drive an interrupt line", KVM_IRQ_LINE, &line);
}

kvm_irqchip KernelChipset::chip(u32 id) const {
  kvm_irqchip state{};
  state.chip_id = id;
  vm_.call("cannot read an interrupt controller", KVM_GET_IRQCHIP, &state);
  return state;
}

void KernelChipset::set_chip(const kvm_irqchip& state) const {
  kvm_irqchip copy = state;
  vm_.call("cannot set an interrupt controller", KVM_SET_IRQCHIP, &copy);
}

void KernelChipset::set_level_triggered(unsigned irq) {
  kvm_irqchip state = chip(kPicChips[irq / 8]);
  state.chip.pic.elcr |= static_cast<u8>(1u << irq % 8) & state.chip.pic.elcr_mask;
  set_chip(state);
}

void KernelChipset::reset_controllers() {
  for (const u32 id : kPicChips) {
    kvm_irqchip state = chip(id);
    const u8 level_capable = state.chip.pic.elcr_mask;
    state.chip.pic = {};
    state.chip.pic.elcr_mask = level_capable;
    set_chip(state);
  }
  kvm_irqchip state = chip(KVM_IRQCHIP_IOAPIC);
  state.chip.ioapic = {};
  state.chip.ioapic.base_address = kIoApicAddress;
  for (auto& entry : state.chip.ioapic.redirtbl) entry.fields.mask = 1;
  set_chip(state);
}

Value KernelChipset::describe_chips() const {
  Value::List pics, pins;
  for (const u32 id : kPicChips) {
    const kvm_pic_state pic = chip(id).chip.pic;
    pics.push_back(Value::Record{{"requests", pic.irr},
                                 {"masked", pic.imr},
                                 {"in-service", pic.isr},
                                 {"level", pic.elcr},
                                 {"vectors", pic.irq_base}});
  }
  const kvm_ioapic_state ioapic = chip(KVM_IRQCHIP_IOAPIC).chip.ioapic;
  for (u32 input = 0; input < kIoApicInputs; ++input) {
    const auto& entry = ioapic.redirtbl[input].fields;
    if (entry.mask != 0) continue;
    pins.push_back(Value::Record{{"pin", input},
                                 {"vector", u8{entry.vector}},
                                 {"level-triggered", entry.trig_mode != 0},
                                 {"masked", false},
                                 {"logical", entry.dest_mode != 0},
                                 {"destination", u8{entry.dest_id}},
                                 {"remote-irr", entry.remote_irr != 0}});
  }
  return Value::Record{{"pics", std::move(pics)},
                       {"ioapic", Value::Record{{"id", u32{ioapic.id}},
                                                {"inputs", u32{ioapic.irr}},
                                                {"pins", std::move(pins)}}}};
}

}  // namespace backplane::kvm
