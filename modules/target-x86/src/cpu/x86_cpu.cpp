// SPDX-License-Identifier: MIT
#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"
#include "host_tsc.h"
#include "impl.h"
#include "reset.h"
#include "state_mapping.h"

namespace backplane::x86 {

X86Cpu::X86Cpu() : state_(map_state()), impl_(std::make_unique<Impl>()) {}

X86Cpu::~X86Cpu() {
  set_vcpu(nullptr);  // it uses what goes now
  if (impl_->tsc != nullptr) impl_->tsc->remove_reader(*state_);
  apic_.reset();
  unmap_state(state_);
}

X86Cpu& X86Cpu::of(const Accelerator& accelerator, Cpu& cpu) {
  auto* const own = dynamic_cast<X86Cpu*>(&cpu);
  if (own == nullptr)
    throw Error::of("{} runs x86-64 CPUs, not {}", accelerator.name(), cpu.type_name());
  return *own;
}

void X86Cpu::resolve_features() {
  const unsigned level = static_cast<const X86CpuClass&>(object_class()).level;
  impl_->check_host(level, std::string(type_name()));
  impl_->enabled = impl_->effective_features(level);
  for (std::size_t w = 0; w < impl_->words.size(); ++w)
    impl_->words[w] = feature_word(impl_->enabled, static_cast<FeatureWord>(w));
  impl_->shown = impl_->enabled;
  features_ = features_of(impl_->enabled);

  physical_bits_ = impl_->physical_bits;
  state_->physical_address_bits = static_cast<u8>(physical_bits_);
  state_->has_gbpages = features_.gbpages ? 1 : 0;
}

void X86Cpu::realize() {
  if (is_host() && !machine().accelerator().accel_class().shows_host_cpu)
    throw Error(fmt::format("accelerator {} does not show the guest the host processor",
                            machine().accelerator().name()),
                "use -cpu max, or another accelerator (-accel kvm)");
  if (is_host()) take_host_identity();
  impl_->host_x87 = machine().accelerator().accel_class().shows_host_cpu;
  resolve_features();
  ApicBus& bus = ApicBus::of(machine());
  impl_->counting = machine().virtual_clock().follows_instructions();
  if (machine().accelerator().accel_class().hardware) {
    impl_->tsc_base = bus.tsc_base();
  } else {
    impl_->tsc = bus.tsc();
    impl_->tsc->add_reader(*state_);
  }
  apic_ = std::make_unique<LocalApic>(*this, bus, impl_->apic_ids.of(index()));
  reset();
}

void X86Cpu::reset() {
  Cpu::reset();
  reset_state(*state_, impl_->signature());
  impl_->stored_msrs.reset(impl_->is_amd(), [this] { return tsc_frequency(); });
  state_->tsc_offset = impl_->tsc != nullptr ? impl_->tsc_seen : -static_cast<i64>(impl_->tsc_base);
  clear(~0u);
  set_ignne(false);
  apic_->reset();
  state_->wait_for_sipi = apic_->is_bsp() ? 0 : 1;
  set_halted(state_->wait_for_sipi != 0);
}

void X86Cpu::init_reset() {
  init_state(*state_, impl_->signature());
  apic_->init_reset();
  state_->wait_for_sipi = apic_->is_bsp() ? 0 : 1;
  set_halted(state_->wait_for_sipi != 0);
}

u64 X86Cpu::tsc() const {
  if (impl_->tsc == nullptr) return read_host_tsc() + static_cast<u64>(state_->tsc_offset);
  const MachineLock::Guard lock;
  return impl_->tsc->read().value + static_cast<u64>(state_->tsc_offset - impl_->tsc_seen);
}

u64 X86Cpu::read_tsc() {
  if (impl_->tsc == nullptr) return tsc();
  const MachineLock::Guard lock;
  const GuestTsc::Reading reading = impl_->tsc->read();
  state_->tsc_offset += reading.offset - impl_->tsc_seen;
  state_->tsc_valid_until = reading.valid_until;
  impl_->tsc_seen = reading.offset;
  return reading.value + static_cast<u64>(state_->tsc_offset - reading.offset);
}

u64 X86Cpu::tsc_frequency() const {
  return impl_->counting ? kCountingTscFrequency : host_tsc_frequency();
}

int X86Cpu::acknowledge_interrupt() {
  const int vector = apic_->acknowledge();
  if (vector != LocalApic::kPicInterrupt) return vector;
  return pic_acknowledge_ ? pic_acknowledge_() : LocalApic::kNone;
}

void X86Cpu::raise_nmi() {
  saved_.nmis = std::min<u8>(saved_.nmis + 1, kMostNmis);
  raise(kRequestNmi);
}

bool X86Cpu::take_nmi() {
  if (saved_.nmis == 0) return false;
  if (--saved_.nmis == 0) clear(kRequestNmi);
  return true;
}

void X86Cpu::merge_nmis() { saved_.nmis = std::min<u8>(saved_.nmis, 1); }

void X86Cpu::set_ferr(bool level) {
  if (level == saved_.ferr) return;
  saved_.ferr = level;
  const MachineLock::Guard guard;
  if (ferr_line_) ferr_line_(level);
}

bool X86Cpu::has_work() const {
  const u32 request = interrupt_request();
  if ((request & kRequestInit) != 0) return true;
  if (state_->wait_for_sipi != 0) return (request & kRequestSipi) != 0;
  if (state_->shutdown != 0) return false;
  if ((request & kRequestNmi) != 0 && state_->nmi_blocked == 0) return true;
  return (request & kRequestHard) != 0 && (state_->rflags & kIF) != 0;
}

}  // namespace backplane::x86
