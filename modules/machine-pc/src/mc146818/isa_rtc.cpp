// SPDX-License-Identifier: MIT
#include "mc146818/isa_rtc.h"

#include "backplane/error.h"
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
      "date at start: utc (the host's), seconds since 1970, or auto (utc; a fixed date with "
      "instruction counting)");
  k.property<&IsaRtc::clock_>("clock", "what the date goes on with");
  k.state<&IsaRtc::rtc_>(1);
}

void IsaRtc::realize() {
  Clock& ticks = machine().virtual_clock();
  const bool counting = machine().virtual_clock().follows_instructions();
  Clock* calendar = &machine().host_clock();
  i64 offset = 0;
  if (base_ == "auto" ? counting : base_ != "utc") {
    calendar = &ticks;
    offset = kReproducibleEpoch * kSecond;
    if (base_ != "auto") {
      try {
        offset = i64{PropertyTraits<u32>::parse(base_)} * kSecond;
      } catch (const Error& e) {
        throw Error::of("base={}: expects utc, auto or seconds since 1970", base_);
      }
    }
  }
  if (calendar != &ticks && clock_ == RtcClock::Vm) {
    offset = calendar->now() - ticks.now();
    calendar = &ticks;
  }
  rtc_ = std::make_unique<Rtc>(*calendar, offset, ticks, isa_bus().irq(8));
  add_ports("rtc", 0x70, 2, MmioHandler::of<&IsaRtc::read, &IsaRtc::write>(*this).sizes(1, 1));
}

void IsaRtc::unrealize() { rtc_.reset(); }

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
