// SPDX-License-Identifier: MIT
// Local APICs that the accelerator runs: what is left to do for the emulator's.
#include <algorithm>

#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"
#include "backplane/x86/platform_interrupts.h"

namespace backplane::x86 {

PlatformInterrupts* PlatformInterrupts::of(const Machine& machine) {
  if (!machine.has_accelerator()) return nullptr;
  auto* platform = dynamic_cast<PlatformInterrupts*>(&machine.accelerator());
  return platform != nullptr && platform->has_local_apics() ? platform : nullptr;
}

u64 LocalApic::timer_frequency() const {
  return mirror_ && bus_ != nullptr ? bus_->platform_->timer_frequency() : kTimerFrequency;
}

ApicPage LocalApic::page() const {
  ApicPage page{};
  const auto set = [&page](unsigned number, u32 value) { page[number] = value; };
  set(kId, x2apic() ? id_ : id_ << 24);
  set(kVersion, kVersionValue);
  set(kTpr, state_.tpr);
  set(kPpr, processor_priority());
  set(kLdr, state_.ldr);
  set(kDfr, state_.dfr);
  set(kSvr, state_.svr);
  for (unsigned n = 0; n < 8; ++n) {
    set(kIsr + n, state_.isr.word(n));
    set(kTmr + n, state_.tmr.word(n));
    set(kIrr + n, state_.irr.word(n));
  }
  set(kEsr, state_.esr);
  set(kLvtCmci, state_.lvt[kCmci]);
  set(kIcrLow, static_cast<u32>(state_.icr));
  set(kIcrHigh, static_cast<u32>(state_.icr >> 32));
  for (unsigned n = 0; n < kLvtTableLength; ++n) set(kLvtTimer + n, state_.lvt[n]);
  set(kTimerInitial, state_.timer_initial);
  set(kTimerCurrent, timer_current());
  set(kTimerDivide, state_.timer_divide);
  return page;
}

void LocalApic::load_page(u64 base, const ApicPage& page, u64 tsc_deadline) {
  state_.base = base;
  state_.tsc_deadline = tsc_deadline;
  state_.tpr = page[kTpr] & 0xff;
  state_.ldr = page[kLdr];
  state_.dfr = page[kDfr];
  state_.svr = page[kSvr];
  for (unsigned n = 0; n < 8; ++n) {
    state_.isr.set_word(n, page[kIsr + n]);
    state_.tmr.set_word(n, page[kTmr + n]);
    state_.irr.set_word(n, page[kIrr + n]);
  }
  state_.esr = page[kEsr];
  state_.lvt[kCmci] = page[kLvtCmci];
  state_.icr = page[kIcrLow] | u64{page[kIcrHigh]} << 32;
  for (unsigned n = 0; n < kLvtTableLength; ++n) state_.lvt[n] = page[kLvtTimer + n];
  state_.timer_divide = page[kTimerDivide];
  state_.timer_initial = page[kTimerInitial];
  state_.timer_counts = page[kTimerCurrent] != 0;
  state_.timer_start =
      timer_.clock().now() -
      timer_tick_ns(state_.timer_initial - std::min(state_.timer_initial, page[kTimerCurrent]));
}

}  // namespace backplane::x86
