// SPDX-License-Identifier: MIT
// "mc146818rtc": the real-time clock and CMOS memory at ports 70h and 71h.
#pragma once

#include <memory>

#include "acpi/described.h"
#include "backplane/enumeration.h"
#include "backplane/isa/isa_device.h"
#include "mc146818/mc146818.h"
#include "mc146818/rtc_base.h"

namespace backplane {
namespace pc {

// What the date goes on with: the host's calendar; the host's time, which does not jump when its
// calendar is set; or the guest's time, which stands still while the machine does.
enum class RtcClock { Host, Realtime, Vm };

}  // namespace pc

template <>
struct EnumNames<pc::RtcClock> {
  static constexpr EnumName<pc::RtcClock> kNames[] = {
      {pc::RtcClock::Host, "host"}, {pc::RtcClock::Realtime, "rt"}, {pc::RtcClock::Vm, "vm"}};
};

namespace pc {

class IsaRtc final : public IsaDevice, public AcpiDescribed {
  BACKPLANE_OBJECT(IsaRtc, IsaDevice, "mc146818rtc")
 public:
  static void class_init(DeviceClass& k);

  void realize();
  void unrealize();
  void saving() override;
  void loaded() override;
  aml::Bytes acpi_terms() const override;

  // From realize() on: what firmware leaves in CMOS memory.
  void set_cmos(u8 index, u8 value) { rtc_->set_cmos(index, value); }

 private:
  u64 read(u64 offset, unsigned size);
  void write(u64 offset, u64 value, unsigned size);

  // The clock that the date goes on with, and nanoseconds from its time to those since 1970.
  struct Calendar {
    Clock& clock;
    i64 epoch_offset;
  };
  Calendar calendar();

  RtcBase base_;
  RtcClock clock_ = RtcClock::Host;
  std::unique_ptr<Rtc> rtc_;
};

}  // namespace pc
}  // namespace backplane
