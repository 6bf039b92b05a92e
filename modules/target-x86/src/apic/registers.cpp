// SPDX-License-Identifier: MIT
// The local APIC's registers, as a page and as MSRs. [SDM 3A "Local APIC Register Address Map",
// "x2APIC Register Address Space"]
#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"
#include "lvt.h"

namespace backplane::x86 {

namespace {

constexpr u32 kSendIllegalVector = 1u << 5, kIllegalRegister = 1u << 7;
constexpr u32 kIcrLevelAssert = 1u << 14, kIcrTriggerLevel = 1u << 15, kIcrLogical = 1u << 11;
constexpr u32 kIcrWritable = 0xccfff;
// Of the ICR as an MSR. (The delivery status, bit 12, is not there either, but is let pass, as
// processors do.) [SDM 3A "ICR Operation in x2APIC Mode"]
constexpr u32 kX2apicIcrReserved = 0xfff32000;

u64 icr_destination(u64 icr, bool x2apic) { return x2apic ? icr >> 32 : icr >> 56; }

}  // namespace

bool LocalApic::read_register(unsigned number, u32& value) {
  value = 0;
  switch (number) {
    case kId:
      value = x2apic() ? id_ : id_ << 24;
      return true;
    case kVersion:
      value = kVersionValue;
      return true;
    case kTpr:
      value = state_.tpr;
      return true;
    case kApr:
      value = x2apic() ? 0 : arbitration_priority();
      return !x2apic();
    case kPpr:
      value = processor_priority();
      return true;
    case kEoi:
    case kRrd:
      return !x2apic();
    case kLdr:
      value = x2apic() ? ((id_ >> 4) << 16) | (1u << (id_ & 15)) : state_.ldr;
      return true;
    case kDfr:
      value = state_.dfr;
      return !x2apic();
    case kSvr:
      value = state_.svr;
      return true;
    case kEsr:
      value = state_.esr;
      return true;
    case kIcrLow:
      value = static_cast<u32>(state_.icr);
      return true;
    case kIcrHigh:
      value = static_cast<u32>(state_.icr >> 32);
      return !x2apic();
    case kLvtTimer:
      value = state_.lvt[kTimer];
      return true;
    case kLvtThermal:
      value = state_.lvt[kThermal];
      return true;
    case kLvtPerformance:
      value = state_.lvt[kPerformance];
      return true;
    case kLvtLint0:
      value = state_.lvt[kLint0];
      return true;
    case kLvtLint1:
      value = state_.lvt[kLint1];
      return true;
    case kLvtError:
      value = state_.lvt[kError];
      return true;
    case kTimerInitial:
      value = state_.timer_initial;
      return true;
    case kTimerCurrent:
      value = timer_current();
      return true;
    case kTimerDivide:
      value = state_.timer_divide;
      return true;
    default:
      break;
  }
  if (number >= kIsr && number < kIsr + 8u)
    value = state_.isr.word(number - kIsr);
  else if (number >= kTmr && number < kTmr + 8u)
    value = state_.tmr.word(number - kTmr);
  else if (number >= kIrr && number < kIrr + 8u)
    value = state_.irr.word(number - kIrr);
  else
    return false;
  return true;
}

bool LocalApic::write_register(unsigned number, u32 value) {
  switch (number) {
    case kTpr:
      state_.tpr = value & 0xff;
      update();
      return true;
    case kEoi:
      end_of_interrupt();
      return true;
    case kLdr:
      if (x2apic()) return false;
      state_.ldr = value & 0xff000000;
      return true;
    case kDfr:
      if (x2apic()) return false;
      state_.dfr = value | 0x0fffffff;
      return true;
    case kSvr:
      state_.svr = value & 0x3ff;
      if (!software_enabled())
        for (u32& entry : state_.lvt) entry |= kLvtMasked;
      update();
      return true;
    case kEsr:
      state_.esr = state_.pending_errors;
      state_.pending_errors = 0;
      return true;
    case kIcrLow:
      write_icr((state_.icr & ~u64{0xffffffff}) | value);
      return true;
    case kIcrHigh:
      if (x2apic()) return false;
      state_.icr = (state_.icr & 0xffffffff) | (u64{value & 0xff000000} << 32);
      return true;
    case kLvtTimer:
      write_lvt(kTimer, value);
      return true;
    case kLvtThermal:
      write_lvt(kThermal, value);
      return true;
    case kLvtPerformance:
      write_lvt(kPerformance, value);
      return true;
    case kLvtLint0:
      write_lvt(kLint0, value);
      return true;
    case kLvtLint1:
      write_lvt(kLint1, value);
      return true;
    case kLvtError:
      write_lvt(kError, value);
      return true;
    case kTimerInitial:
      if (timer_mode() == kTscDeadline) return true;
      state_.timer_initial = value;
      start_timer(value);
      return true;
    case kTimerDivide:
      set_timer_divide(value & 0xb);
      return true;
    default:
      return false;
  }
}

void LocalApic::write_lvt(Lvt which, u32 value) {
  static constexpr std::array<u32, kLvtCount> kWritable = {0x700ff, 0x107ff, 0x107ff, 0x1a7ff,
                                                           0x1a7ff, 0x100ff, 0x107ff};
  u32 entry = value & kWritable[which];
  if (!software_enabled()) entry |= kLvtMasked;
  if (which == kTimer && ((entry >> 17) & 3) == 2 && !cpu_.features().tsc_deadline)
    entry &= ~(3u << 17);
  if (which == kTimer)
    set_timer_mode(entry);
  else
    state_.lvt[which] = entry;
  // A pin that is high already is seen when its entry is unmasked (ExtINT follows the level).
  update();
}

// [SDM 3A "Interrupt Command Register (ICR)"]
void LocalApic::write_icr(u64 value) {
  const u32 low = static_cast<u32>(value) & kIcrWritable;
  state_.icr = (value & ~u64{0xffffffff}) | low;
  const unsigned mode = (low >> 8) & 7;
  if (mode == 3 || mode == 7) return;  // remote read, reserved
  InterruptMessage message{.destination = static_cast<u32>(icr_destination(state_.icr, x2apic())),
                           .logical = (low & kIcrLogical) != 0,
                           .mode = static_cast<DeliveryMode>(mode),
                           .vector = static_cast<u8>(low),
                           .level_triggered = false};
  // INIT level de-assert only synchronises arbitration ids, which nothing uses.
  if (message.mode == DeliveryMode::Init && (low & kIcrTriggerLevel) != 0 &&
      (low & kIcrLevelAssert) == 0)
    return;
  if (mode <= 1 && message.vector < 16) return report_error(kSendIllegalVector);
  switch ((low >> 18) & 3) {
    case 0:
      bus_->deliver(message);
      return;
    case 1:
      accept(message);
      return;
    default:  // 2: all, 3: all but this one
      for (LocalApic* apic : bus_->apics_)
        if (apic->enabled() && (((low >> 18) & 1) == 0 || apic != this)) apic->accept(message);
      return;
  }
}

u32 LocalApic::read_page(unsigned number) {
  u32 value = 0;
  if (!read_register(number, value)) report_error(kIllegalRegister);
  return value;
}

void LocalApic::write_page(unsigned number, u32 value) {
  if (!write_register(number, value)) report_error(kIllegalRegister);
}

bool LocalApic::read_msr(unsigned number, u64& value) {
  if (!x2apic()) return false;
  if (number == kIcrLow) {
    value = state_.icr;
    return true;
  }
  u32 low = 0;
  if (number == kSelfIpi || !read_register(number, low)) return false;
  value = low;
  return true;
}

bool LocalApic::write_msr(unsigned number, u64 value) {
  if (!x2apic()) return false;
  if (number == kIcrLow) {
    if ((value & kX2apicIcrReserved) != 0) return false;
    write_icr(value);
    return true;
  }
  if (value >> 32 != 0) return false;
  const u32 low = static_cast<u32>(value);
  switch (number) {
    case kSelfIpi:
      if (low > 0xff) return false;
      if (low < 16)
        report_error(kSendIllegalVector);
      else
        raise_vector(static_cast<u8>(low), false);
      return true;
    case kEoi:
    case kEsr:
      if (low != 0) return false;
      break;
    case kTpr:
      if (low > 0xff) return false;
      break;
    default:
      break;
  }
  return write_register(number, low);
}

}  // namespace backplane::x86
