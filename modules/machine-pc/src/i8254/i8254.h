// SPDX-License-Identifier: MIT
// The 8254 programmable interval timer: three 16-bit counters at 1.193182 MHz.
// [Intel 8254 datasheet, "Mode Definitions", "Read Operations"]
#pragma once

#include <array>
#include <functional>
#include <optional>

#include "backplane/clock.h"
#include "backplane/irq.h"
#include "backplane/state.h"
#include "backplane/types.h"
#include "backplane/x86/platform_interrupts.h"
#include "i8254/polled_output.h"
#include "time/ticks.h"

namespace backplane::pc {

class Pit8254 {
 public:
  static constexpr u64 kHertz = 1'193'182;

  // Whether the guest has yet to take the last rising edge of OUT0.
  using Pending = std::function<bool()>;

  // `output0` sees a rising edge for each rising edge of OUT0. Machine lock for all calls.
  Pit8254(Clock& clock, IrqLine output0, Pending pending = {},
          LostTickPolicy lost_ticks = LostTickPolicy::Delay);

  void reset();
  static std::span<const StateMember> members();
  // Goes on with what was loaded: the state, or what another's registers were.
  void loaded();
  x86::TimerRegisters registers() const;
  // It stands still until loaded().
  void set_registers(const x86::TimerRegisters& registers);
  void stand_still() { timer_.cancel(); }
  // Ports 0 to 2: the counters; 3: the control word.
  u8 read(unsigned port);
  void write(unsigned port, u8 value);

  // Counter 2, wired to port 61h.
  void set_gate2(bool gate) { set_gate(state_.channels[2], gate); }
  bool gate2() const { return state_.channels[2].gate; }
  bool output2();
  // Until it goes high, if counter 2 counts down once (mode 0). output2() is low.
  std::optional<PolledOutput::Wait> output2_wait() const;

 private:
  enum Access : u8 { kLow = 1, kHigh = 2, kLowThenHigh = 3 };
  struct Channel {
    u8 control = 0;  // as the status byte shows it: access, mode, BCD
    u8 access = kLowThenHigh;
    u8 mode = 3;
    bool bcd = false;
    bool gate = true;
    bool loaded = false;     // a count was written since the control word
    bool triggered = false;  // modes 1 and 5 wait for a rising gate
    u32 count = 0x10000;
    u32 next_count = 0;  // written, and taken over at the next trigger or at switch_at; 0: none
    u64 switch_at = 0;   // modes 2 and 3: the end of the period, in ticks since start
    i64 start = 0;       // when counting began
    i64 paused_at = -1;  // the counter stands still: ticks done so far, as nanoseconds
    bool write_high = false;  // the next byte written is the high one
    u8 write_low = 0;
    bool read_high = false;
    bool value_latched = false;
    u16 latched_value = 0;
    bool status_latched = false;
    u8 latched_status = 0;
    static std::span<const StateMember> members();
  };
  struct State {
    std::array<Channel, 3> channels{Channel{}, Channel{}, Channel{.gate = false}};
    u64 next_edge = 0;     // of OUT0, in ticks since the count was loaded
    bool stalled = false;  // the guest takes no ticks: what is overdue was given up
    static std::span<const StateMember> members();
  };

  void write_control(u8 value);
  void read_back(u8 value);
  void load(Channel& c, u16 value);
  void set_gate(Channel& c, bool gate);
  void start(Channel& c, i64 now);
  void take_next_count(Channel& c, i64 now);
  void write_first_byte(Channel& c, u8 value);
  bool counting(const Channel& c) const;
  u64 elapsed(const Channel& c, i64 now) const;
  u16 value(const Channel& c, i64 now) const;
  bool output(const Channel& c, i64 now) const;
  void latch_value(Channel& c);
  u8 read_counter(Channel& c);
  void schedule();
  void arm(i64 now);
  void fire();

  Clock& clock_;
  IrqLine output0_;
  Pending pending_;
  LostTickPolicy lost_ticks_;
  Timer timer_;
  State state_;
};

}  // namespace backplane::pc
