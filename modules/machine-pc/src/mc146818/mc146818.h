// SPDX-License-Identifier: MIT
// The MC146818 real-time clock with its CMOS memory, as in the PIIX.
// [Motorola MC146818 datasheet, "Interrupts", "Update Cycle"; ACPI 6.4 4.8.2.4 for the century]
#pragma once

#include <array>

#include "backplane/clock.h"
#include "backplane/irq.h"
#include "backplane/log.h"
#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::pc {

class Rtc {
 public:
  static constexpr unsigned kSize = 128;
  static constexpr u8 kCentury = 0x32;

  // `calendar` tells the date: nanoseconds since 1970 are its time plus `epoch_offset`. `ticks`
  // paces the periodic interrupt. Machine lock for all calls.
  Rtc(Clock& calendar, i64 epoch_offset, Clock& ticks, IrqLine irq);

  void reset();
  static std::span<const StateMember> members();
  // To be called when the state is about to be saved.
  void saving() { catch_up(); }
  // To be called when the state was loaded: by the host's own time, which begins elsewhere in each
  // host, the date goes on from the second that it was. Throws Error if the date is none that can
  // be counted.
  void loaded();
  // Port 0: the index (bit 7, the NMI mask, is kept and does nothing); 1: the data.
  u8 read(unsigned port);
  void write(unsigned port, u8 value);

  // A byte of CMOS memory as firmware would leave it; not the clock's registers 0 to 0Dh.
  void set_cmos(u8 index, u8 value) { state_.cmos.at(index) = value; }
  u8 cmos(u8 index) const { return state_.cmos.at(index); }

 private:
  struct State {
    i64 offset = 0;  // of the date that the guest sees from the calendar's time
    std::array<u8, kSize> cmos{};
    u8 index = 0;
    i64 next_tick = 0;
    bool stalled = false;  // the guest takes no ticks: what is overdue was given up
    i64 seen_second = 0;   // flags are up to date with this second
    static std::span<const StateMember> members();
  };

  i64 now() const;  // nanoseconds since 1970 as the guest has set the clock
  i64 now_second() const;
  bool halted() const;
  bool divider_stands() const;
  void go_on_from(i64 time);  // nanoseconds since 1970
  void encode_date();
  i64 decode_date() const;
  u8 encode(unsigned value) const;
  unsigned decode(u8 value) const;
  u8 encode_hour(unsigned hour) const;
  unsigned decode_hour(u8 value) const;
  void write_register(u8 index, u8 value);
  u8 read_register(u8 index);
  void catch_up();
  i64 next_alarm(i64 after) const;
  i64 periodic_interval() const;
  void schedule();
  void periodic();
  void update_irq();

  Clock& calendar_;
  Clock& ticks_;
  IrqLine irq_;
  Timer second_timer_;
  Timer periodic_timer_;
  State state_;
  GuestErrors guest_errors_;
  Unimplemented unimplemented_;
};

}  // namespace backplane::pc
