// SPDX-License-Identifier: MIT
// The pair of 8259A interrupt controllers of a PC, cascaded through input 2 of the first one.
// [Intel 8259A datasheet, "Operational Description"; PIIX datasheet "ELCR"]
#pragma once

#include <array>
#include <string>

#include "backplane/irq.h"
#include "backplane/state.h"
#include "backplane/types.h"
#include "backplane/x86/platform_interrupts.h"

namespace backplane::pc {

// One 8259A.
class Pic8259 {
 public:
  // `level_capable`: the inputs whose ELCR bit the chipset implements.
  explicit Pic8259(u8 level_capable, bool master)
      : level_capable_(level_capable), master_(master) {}

  void reset();
  static std::span<const StateMember> members();
  void set_input(unsigned input, bool level);
  // Port 0 or 1 of the chip. Reading may acknowledge (poll command).
  u8 read(unsigned port);
  void write(unsigned port, u8 value);
  u8 elcr() const { return state_.elcr; }
  void set_elcr(u8 value) { state_.elcr = value & level_capable_; }

  // The input to deliver now, or -1: the highest-priority unmasked request that outranks what is
  // in service.
  int pending() const;
  // INTA: marks `input` in service; -1 means the request went away, which reads as input 7.
  // Returns the vector.
  u8 acknowledge(int input);

  x86::PicRegisters registers() const;
  void set_registers(const x86::PicRegisters& registers);

  u8 requests() const {
    return static_cast<u8>((state_.edges & ~state_.elcr) | (state_.levels & state_.elcr));
  }
  u8 masked() const { return state_.imr; }
  u8 in_service() const { return state_.isr; }
  u8 vector_base() const { return state_.vector_base; }

 private:
  struct State {
    u8 levels = 0;  // state of the input pins
    u8 edges = 0;   // rising edges not yet acknowledged, of inputs that are still high
    u8 imr = 0;
    u8 isr = 0;
    u8 elcr = 0;
    u8 vector_base = 0;
    u8 lowest = 7;           // the input of lowest priority
    unsigned init_step = 0;  // ICW awaited next (2 to 4), 0: operational
    bool needs_icw4 = false;
    bool single = false;
    bool auto_eoi = false;
    bool rotate_on_auto_eoi = false;
    bool special_mask = false;
    bool special_fully_nested = false;
    bool poll = false;
    bool read_isr = false;
    static std::span<const StateMember> members();
  };

  int highest(u8 bits) const;
  void end_of_interrupt(int input, bool rotate);
  void write_command(u8 value);
  void write_icw1(u8 value);

  u8 level_capable_;
  bool master_;
  State state_;
};

// Both chips: 16 inputs, one output. Machine lock for all calls.
class PicPair final : public IrqSink {
 public:
  // `output` follows INTR.
  explicit PicPair(IrqLine output) : output_(output) {}

  void reset();
  static std::span<const StateMember> members();
  // Inputs 0 to 15; input 2 is the cascade and ignores what it is told.
  void set_irq(unsigned input, bool level) override;

  // Chip 0 at ports 20h-21h, chip 1 at A0h-A1h.
  u8 read(unsigned chip, unsigned port);
  void write(unsigned chip, unsigned port, u8 value);
  // ELCR1 and ELCR2, ports 4D0h and 4D1h.
  u8 read_elcr(unsigned chip) const { return chips_[chip].elcr(); }
  void write_elcr(unsigned chip, u8 value);

  // Whether an edge on an input that is not masked waits to be acknowledged.
  bool edge_pending(unsigned input) const {
    const Pic8259& chip = chips_[input / 8];
    return (chip.requests() & ~chip.masked() & ~chip.elcr() & 1u << input % 8) != 0;
  }

  // Everything in it; the output stays as it is until loaded().
  std::array<x86::PicRegisters, 2> registers() const {
    return {chips_[0].registers(), chips_[1].registers()};
  }
  void set_registers(const std::array<x86::PicRegisters, 2>& registers);
  // Drives the output as it is to be.
  void loaded() { update(); }
  // Another pair, which has these registers now, drives INTR.
  void let_go() { drive(false); }

  bool intr() const { return chips_[0].pending() >= 0; }
  // The processor's INTA cycle: the vector of the interrupt to serve. With none left it is the
  // spurious vector of input 7.
  u8 acknowledge();

  u64 count(unsigned input) const { return counts_[input]; }  // acknowledged so far
  Value describe() const;

 private:
  void update();
  void drive(bool level);

  std::array<Pic8259, 2> chips_{Pic8259(0xf8, true), Pic8259(0xde, false)};
  std::array<u64, 16> counts_{};
  IrqLine output_;
  bool output_level_ = false;
};

}  // namespace backplane::pc
