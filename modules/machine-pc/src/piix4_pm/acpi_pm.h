// SPDX-License-Identifier: MIT
// The ACPI fixed hardware of the PIIX4: power management event and control blocks, timer, general
// purpose events. [ACPI 6.4 4.8.3 "ACPI Fixed Hardware Features", 4.8.4 "Fixed Hardware Registers";
// Intel 82371AB datasheet "Power Management I/O Registers"]
#pragma once

#include <functional>

#include "backplane/clock.h"
#include "backplane/irq.h"
#include "backplane/log.h"
#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::pc {

// Machine lock for all calls.
class AcpiPm {
 public:
  // Offsets in the register block.
  static constexpr unsigned kEventBlock = 0x00, kControlBlock = 0x04, kTimerBlock = 0x08,
                            kGpeBlock = 0x0c, kGpeLength = 4, kBlockSize = 0x40;
  static constexpr u64 kTimerHertz = 3'579'545;
  // SLP_TYP of the soft-off state.
  static constexpr u8 kSoftOffType = 0;

  // `sci` is held high while an enabled event is pending. `power_off` is called when the guest
  // enters the soft-off state.
  AcpiPm(Clock& clock, IrqLine sci, std::function<void()> power_off);

  void reset();
  // Its registers and its timer, as state of a device.
  static std::span<const StateMember> members();
  u64 read(u64 offset, unsigned size);
  void write(u64 offset, u64 value, unsigned size);

  // Hands fixed hardware over to the operating system (SCI_EN) or back to firmware.
  void enable_acpi(bool on);
  void press_power_button();
  // Latches a general purpose event (0 to 15).
  void raise_gpe(unsigned event);

 private:
  struct State {
    u16 status = 0, enable = 0, control = 0;
    u16 gpe_status = 0, gpe_enable = 0;
    u64 half_turns_seen = 0;  // of the timer: TMR_STS is up to date with them
    static std::span<const StateMember> members();
  };

  u32 timer_value() const;
  void update_timer_status();
  u8 read_byte(u64 offset);
  void write_byte(u64 offset, u8 value);
  void write_control(u16 value);
  void update_sci();

  Clock& clock_;
  IrqLine sci_;
  std::function<void()> power_off_;
  Timer overflow_;
  State state_;
  GuestErrors guest_errors_;
};

}  // namespace backplane::pc
