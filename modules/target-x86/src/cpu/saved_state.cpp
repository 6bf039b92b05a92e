// SPDX-License-Identifier: MIT
// A CPU as it is saved, and what of it is believed when it is loaded.
#include <algorithm>
#include <cstring>

#include "../cpuid/features.h"
#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"
#include "impl.h"

namespace backplane::x86 {

std::span<const StateMember> Segment::members() {
  static const StateMember kMembers[] = {
      member<&Segment::selector>("selector"),
      member<&Segment::attributes>("attributes"),
      member<&Segment::limit>("limit"),
      member<&Segment::base>("base"),
  };
  return kMembers;
}

std::span<const StateMember> DescriptorTable::members() {
  static const StateMember kMembers[] = {
      member<&DescriptorTable::limit>("limit"),
      member<&DescriptorTable::base>("base"),
  };
  return kMembers;
}

std::span<const StateMember> X86State::members() {
  static const StateMember kMembers[] = {
      member<&X86State::gpr>("gpr"),
      member<&X86State::rip>("rip"),
      member<&X86State::rflags>("rflags"),
      member<&X86State::seg>("seg"),
      member<&X86State::ldtr>("ldtr"),
      member<&X86State::tr>("tr"),
      member<&X86State::gdtr>("gdtr"),
      member<&X86State::idtr>("idtr"),
      member<&X86State::cr0>("cr0"),
      member<&X86State::cr2>("cr2"),
      member<&X86State::cr3>("cr3"),
      member<&X86State::cr4>("cr4"),
      member<&X86State::xcr0>("xcr0"),
      member<&X86State::efer>("efer"),
      member<&X86State::dr>("dr"),
      member<&X86State::pdpte>("pdpte"),
      member<&X86State::star>("star"),
      member<&X86State::lstar>("lstar"),
      member<&X86State::cstar>("cstar"),
      member<&X86State::sfmask>("sfmask"),
      member<&X86State::kernel_gs_base>("kernel_gs_base"),
      member<&X86State::sysenter_cs>("sysenter_cs"),
      member<&X86State::sysenter_esp>("sysenter_esp"),
      member<&X86State::sysenter_eip>("sysenter_eip"),
      member<&X86State::tsc_aux>("tsc_aux"),
      member<&X86State::pat>("pat"),
      member<&X86State::tsc_adjust>("tsc_adjust"),
      member<&X86State::misc_enable>("misc_enable"),
      member<&X86State::mtrr_def_type>("mtrr_def_type"),
      member<&X86State::mtrr_fixed>("mtrr_fixed"),
      member<&X86State::mtrr_physical>("mtrr_physical"),
      member<&X86State::interrupt_shadow>("interrupt_shadow", within(kNoShadow, kShadowSs)),
      member<&X86State::nmi_blocked>("nmi_blocked", within(0, 1)),
      member<&X86State::shutdown>("shutdown", within(0, 1)),
      member<&X86State::wait_for_sipi>("wait_for_sipi", within(0, 1)),
      member<&X86State::debug_traps>("debug_traps", within(0, kDr6Breakpoints | kDr6BS | kDr6BT)),
      member<&X86State::xsave>("xsave"),
  };
  return kMembers;
}

std::span<const StateMember> X86Cpu::SavedMsr::members() {
  static const StateMember kMembers[] = {
      member<&SavedMsr::index>("index"),
      member<&SavedMsr::value>("value"),
  };
  return kMembers;
}

void X86Cpu::saving() {
  Cpu::saving();
  GuestTsc& tsc = *ApicBus::of(machine()).tsc();
  saved_.tsc_adjustment =
      impl_->tsc != nullptr
          ? state_->tsc_offset - impl_->tsc_seen
          : static_cast<i64>(tsc.host_counter_at_stop() - tsc.read().value) + state_->tsc_offset;
  saved_.tsc_frequency = tsc_frequency();
  saved_.apic_timer_frequency = apic_->timer_frequency();
  saved_.ignne = ignne();
  saved_.features.clear();
  for (std::size_t w = 0; w < impl_->words.size(); ++w)
    saved_.features.push_back(feature_word(impl_->shown, static_cast<FeatureWord>(w)));
  saved_.stored_msrs = impl_->stored_msrs.values();
}

void X86Cpu::loaded() {
  Cpu::loaded();
  check_model();
  check_registers();
  if (!impl_->stored_msrs.set_values(saved_.stored_msrs))
    throw Error::of("stored_msrs: {} of them, this CPU has {}", saved_.stored_msrs.size(),
                    impl_->stored_msrs.values().size());
  set_ignne(saved_.ignne);
  const ApicBus& bus = ApicBus::of(machine());
  const u64 tsc = bus.saved_tsc() + static_cast<u64>(saved_.tsc_adjustment);
  if (impl_->tsc != nullptr) {
    impl_->tsc_seen = impl_->tsc->read().offset;
    state_->tsc_offset = impl_->tsc_seen + saved_.tsc_adjustment;
    state_->tsc_valid_until = 0;
  } else {
    loaded_tsc_ = tsc;
    state_->tsc_offset = static_cast<i64>(tsc - bus.tsc()->host_counter_at_stop());
  }
  apic_->loaded(tsc);
}

// Whether a guest that ran on the saved CPU may go on on this one.
void X86Cpu::check_model() const {
  std::string differences;
  for (std::size_t i = 0; i < all_features().size(); ++i) {
    const Feature& feature = all_features()[i];
    const auto word = static_cast<std::size_t>(feature.word);
    const bool saved =
        word < saved_.features.size() && (saved_.features[word] >> feature.bit & 1) != 0;
    if (saved != impl_->shown[i])
      differences +=
          fmt::format("{}{}{}", differences.empty() ? "" : ",", saved ? "+" : "-", feature.name);
  }
  if (!differences.empty())
    throw Error::of("this machine's CPU is another one: the saved one differs by {}",
                    OwnText{differences})
        .with_hint("give the same -cpu, or a model that both accelerators and hosts have in full");
  // As exact as the host's is known.
  const u64 tsc = tsc_frequency();
  if (const u64 off = std::max(tsc, saved_.tsc_frequency) - std::min(tsc, saved_.tsc_frequency);
      off > tsc / 2000)
    throw Error::of("the saved machine's time-stamp counter has {} Hz, this one's {} Hz",
                    saved_.tsc_frequency, tsc)
        .with_hint("use a host whose processors have the same");
  if (const u64 hertz = apic_->timer_frequency(); hertz != saved_.apic_timer_frequency)
    throw Error::of("the timers of the saved machine's local APICs have {} Hz, this one's {} Hz",
                    saved_.apic_timer_frequency, hertz)
        .with_hint("use the accelerator and the version of this program that it was saved under");
}

// What instructions that set them would have refused, where those who use them rely on it.
void X86Cpu::check_registers() const {
  const X86State& s = *state_;
  const bool paging = (s.cr0 & kCr0PG) != 0;
  if ((paging && (s.cr0 & kCr0PE) == 0) ||
      s.long_mode_active() != (paging && (s.efer & kEferLME) != 0) ||
      (s.long_mode_active() && (s.cr4 & kCr4PAE) == 0))
    throw Error::of("cr0={:#x} cr4={:#x} efer={:#x}: no mode of a processor", s.cr0, s.cr4, s.efer);
  u64 components, compacted;
  u32 mxcsr;
  std::memcpy(&components, s.xsave + 512, sizeof components);
  std::memcpy(&compacted, s.xsave + 520, sizeof compacted);
  std::memcpy(&mxcsr, s.xsave + 24, sizeof mxcsr);
  constexpr u64 kKnown = 7;  // x87, SSE, AVX
  if ((components & ~kKnown) != 0 || compacted != 0 || (mxcsr & ~0xffffu) != 0 ||
      (s.xcr0 & ~kKnown) != 0 || (s.xcr0 & 1) == 0)
    throw Error::of("xcr0={:#x} xsave components={:#x} format={:#x} mxcsr={:#x}: no such state",
                    s.xcr0, components, compacted, mxcsr);
  for (unsigned at = 528; at < 576; ++at)
    if (s.xsave[at] != 0) throw Error("xsave: reserved bytes of its header are not zero");
}

}  // namespace backplane::x86
