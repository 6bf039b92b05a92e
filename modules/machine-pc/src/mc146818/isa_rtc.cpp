// SPDX-License-Identifier: MIT
#include "mc146818/isa_rtc.h"

#include "backplane/machine.h"

namespace backplane::pc {

namespace {

// Where the date starts under instruction counting, so that two runs see the same:
// 2024-01-01 00:00:00 UTC.
constexpr i64 kReproducibleEpoch = 1'704'067'200;
constexpr i64 kSecond = 1'000'000'000;

}  // namespace

void IsaRtc::class_init(DeviceClass& k) {
  k.property<&IsaRtc::base_>(
      "base",
      "date at start: utc or localtime (the host's), a date (2026-01-31T23:59:59) or seconds since "
      "1970, or auto (utc; a fixed date with instruction counting)");
  k.property<&IsaRtc::clock_>("clock", "what the date goes on with");
  k.state<&IsaRtc::rtc_>(1);
}

IsaRtc::Calendar IsaRtc::calendar() {
  Machine& m = machine();
  Clock& ticks = m.virtual_clock();
  const bool counting = ticks.follows_instructions();
  const bool is_fixed = base_.kind == RtcBase::Kind::Date;
  // Two runs are to see the same.
  if (counting && (is_fixed || base_.kind == RtcBase::Kind::Auto))
    return {ticks, (is_fixed ? base_.seconds : kReproducibleEpoch) * kSecond - ticks.now()};
  const i64 host = m.host_clock().now();
  i64 start = is_fixed ? base_.seconds * kSecond : host;
  if (base_.kind == RtcBase::Kind::LocalTime)
    start += RtcBase::local_offset(host / kSecond) * kSecond;
  Clock& clock = clock_ == RtcClock::Host       ? m.host_clock()
                 : clock_ == RtcClock::Realtime ? m.realtime_clock()
                                                : ticks;
  return {clock, start - (clock_ == RtcClock::Host ? host : clock.now())};
}

void IsaRtc::realize() {
  const Calendar of = calendar();
  rtc_ =
      std::make_unique<Rtc>(of.clock, of.epoch_offset, machine().virtual_clock(), isa_bus().irq(8));
  add_ports("rtc", 0x70, 2, MmioHandler::of<&IsaRtc::read, &IsaRtc::write>(*this).sizes(1, 1));
}

void IsaRtc::unrealize() { rtc_.reset(); }

void IsaRtc::saving() {
  IsaDevice::saving();
  rtc_->saving();
}

void IsaRtc::loaded() {
  IsaDevice::loaded();
  rtc_->loaded();
}

u64 IsaRtc::read(u64 offset, unsigned /*size*/) {
  return rtc_->read(static_cast<unsigned>(offset));
}
void IsaRtc::write(u64 offset, u64 value, unsigned /*size*/) {
  rtc_->write(static_cast<unsigned>(offset), static_cast<u8>(value));
}

BACKPLANE_REGISTER(IsaRtc, .board_only = true, .description = "MC146818 real-time clock")

aml::Bytes IsaRtc::acpi_terms() const {
  using namespace aml;
  return device("RTC", join({
                           name("_HID", eisa_id("PNP0B00")),
                           name("_CRS", resource_template({io_ports(0x70, 2), irq(8)})),
                       }));
}

}  // namespace backplane::pc
