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
  set(kTpr, tpr_);
  set(kPpr, processor_priority());
  set(kLdr, ldr_);
  set(kDfr, dfr_);
  set(kSvr, svr_);
  for (unsigned n = 0; n < 8; ++n) {
    set(kIsr + n, isr_.word(n));
    set(kTmr + n, tmr_.word(n));
    set(kIrr + n, irr_.word(n));
  }
  set(kEsr, esr_);
  set(kLvtCmci, lvt_[kCmci]);
  set(kIcrLow, static_cast<u32>(icr_));
  set(kIcrHigh, static_cast<u32>(icr_ >> 32));
  for (unsigned n = 0; n < kLvtTableLength; ++n) set(kLvtTimer + n, lvt_[n]);
  set(kTimerInitial, timer_initial_);
  set(kTimerCurrent, timer_current());
  set(kTimerDivide, timer_divide_);
  return page;
}

void LocalApic::load_page(u64 base, const ApicPage& page) {
  base_ = base;
  tpr_ = page[kTpr] & 0xff;
  ldr_ = page[kLdr];
  dfr_ = page[kDfr];
  svr_ = page[kSvr];
  for (unsigned n = 0; n < 8; ++n) {
    isr_.set_word(n, page[kIsr + n]);
    tmr_.set_word(n, page[kTmr + n]);
    irr_.set_word(n, page[kIrr + n]);
  }
  esr_ = page[kEsr];
  lvt_[kCmci] = page[kLvtCmci];
  icr_ = page[kIcrLow] | u64{page[kIcrHigh]} << 32;
  for (unsigned n = 0; n < kLvtTableLength; ++n) lvt_[n] = page[kLvtTimer + n];
  timer_divide_ = page[kTimerDivide];
  timer_initial_ = page[kTimerInitial];
  timer_counts_ = page[kTimerCurrent] != 0;
  timer_start_ = timer_.clock().now() -
                 timer_tick_ns(timer_initial_ - std::min(timer_initial_, page[kTimerCurrent]));
}

}  // namespace backplane::x86
