// SPDX-License-Identifier: MIT
#include "piix4_pm/acpi_pm.h"

#include <algorithm>

#include "backplane/log.h"
#include "time/ticks.h"

namespace backplane::pc {

namespace {

// PM1 status and enable.
constexpr u16 kTimerEvent = 1u << 0, kGlobalEvent = 1u << 5, kPowerButton = 1u << 8,
              kSleepButton = 1u << 9, kRtcEvent = 1u << 10, kWake = 1u << 15;
constexpr u16 kEvents = kTimerEvent | kGlobalEvent | kPowerButton | kSleepButton | kRtcEvent;
// PM1 control.
constexpr u16 kSciEnable = 1u << 0, kSleepEnable = 1u << 13;
constexpr unsigned kSleepTypeShift = 10;

constexpr unsigned kTimerBits = 24;

}  // namespace

AcpiPm::AcpiPm(Clock& clock, IrqLine sci, std::function<void()> power_off)
    : clock_(clock),
      sci_(sci),
      power_off_(std::move(power_off)),
      overflow_(clock, [this] { update_sci(); }) {}

std::span<const StateMember> AcpiPm::State::members() {
  static const StateMember kMembers[] = {
      member<&State::status>("status"),
      member<&State::enable>("enable"),
      member<&State::control>("control"),
      member<&State::gpe_status>("gpe_status"),
      member<&State::gpe_enable>("gpe_enable"),
      member<&State::half_turns_seen>("half_turns_seen", within(0, (i64{1} << 40) - 1)),
  };
  return kMembers;
}

std::span<const StateMember> AcpiPm::members() {
  static const StateMember kMembers[] = {
      member<&AcpiPm::state_>("state"),
      member<&AcpiPm::overflow_>("overflow"),
  };
  return kMembers;
}

void AcpiPm::reset() {
  state_ = {};
  state_.half_turns_seen = ticks_in(clock_.now(), kTimerHertz) >> (kTimerBits - 1);
  update_sci();
}

u32 AcpiPm::timer_value() const {
  return ticks_in(clock_.now(), kTimerHertz) & ((1u << kTimerBits) - 1);
}

// TMR_STS is set whenever the timer's highest bit changes.
void AcpiPm::update_timer_status() {
  const u64 half_turns = ticks_in(clock_.now(), kTimerHertz) >> (kTimerBits - 1);
  if (half_turns != state_.half_turns_seen) state_.status |= kTimerEvent;
  state_.half_turns_seen = half_turns;
}

void AcpiPm::update_sci() {
  update_timer_status();
  const bool pending = (state_.status & state_.enable & kEvents) != 0 ||
                       (state_.gpe_status & state_.gpe_enable) != 0;
  sci_.set(pending && (state_.control & kSciEnable) != 0);
  overflow_.cancel();
  if ((state_.enable & kTimerEvent) != 0 && (state_.status & kTimerEvent) == 0)
    overflow_.arm_at(
        nanoseconds_for((state_.half_turns_seen + 1) << (kTimerBits - 1), kTimerHertz));
}

void AcpiPm::enable_acpi(bool on) {
  state_.control =
      static_cast<u16>(on ? state_.control | kSciEnable : state_.control & ~kSciEnable);
  update_sci();
}

void AcpiPm::press_power_button() {
  state_.status |= kPowerButton;
  update_sci();
}

void AcpiPm::raise_gpe(unsigned event) {
  if (event < 16) state_.gpe_status |= static_cast<u16>(1u << event);
  update_sci();
}

void AcpiPm::write_control(u16 value) {
  state_.control = value & static_cast<u16>(~kSleepEnable);
  if ((value & kSleepEnable) == 0) return;
  const unsigned type = value >> kSleepTypeShift & 7;
  if (type == kSoftOffType)
    power_off_();
  else
    guest_errors_("acpi: sleep type {} is none of those offered", type);
}

u8 AcpiPm::read_byte(u64 offset) {
  const auto part = [&](u64 value, u64 base) {
    return static_cast<u8>(value >> (offset - base) * 8);
  };
  switch (offset) {
    case 0x00:
    case 0x01:
      update_timer_status();
      return part(state_.status, 0x00);
    case 0x02:
    case 0x03:
      return part(state_.enable, 0x02);
    case 0x04:
    case 0x05:
      return part(state_.control, 0x04);
    case 0x08:
    case 0x09:
    case 0x0a:
    case 0x0b:
      return part(timer_value(), 0x08);
    case 0x0c:
    case 0x0d:
      return part(state_.gpe_status, 0x0c);
    case 0x0e:
    case 0x0f:
      return part(state_.gpe_enable, 0x0e);
    default:
      return 0;
  }
}

u64 AcpiPm::read(u64 offset, unsigned size) {
  if (offset == kTimerBlock && size == 4) return timer_value();  // in one piece
  u64 value = 0;
  for (unsigned i = 0; i < size; ++i) value |= u64{read_byte(offset + i)} << i * 8;
  return value;
}

void AcpiPm::write_byte(u64 offset, u8 value) {
  const unsigned shift = (offset & 1) * 8;
  const u16 bits = static_cast<u16>(value << shift);
  const auto merged = [&](u16 old) { return static_cast<u16>((old & ~(0xff << shift)) | bits); };
  switch (offset & ~u64{1}) {
    case 0x00:
      update_timer_status();
      state_.status &= static_cast<u16>(~(bits & (kEvents | kWake)));
      break;
    case 0x02:
      state_.enable = merged(state_.enable) & kEvents;
      break;
    case 0x04:
      write_control(merged(state_.control));
      break;
    case 0x0c:
      state_.gpe_status &= static_cast<u16>(~bits);
      break;
    case 0x0e:
      state_.gpe_enable = merged(state_.gpe_enable);
      break;
    default:
      break;
  }
}

void AcpiPm::write(u64 offset, u64 value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) write_byte(offset + i, static_cast<u8>(value >> i * 8));
  update_sci();
}

}  // namespace backplane::pc
