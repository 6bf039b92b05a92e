// SPDX-License-Identifier: MIT
#include "interrupts/i8259.h"

namespace backplane::pc {

namespace {

constexpr unsigned kCascade = 2;

// ICW1
constexpr u8 kIcw1NeedsIcw4 = 0x01, kIcw1Single = 0x02, kIcw1 = 0x10;
// ICW4
constexpr u8 kIcw4AutoEoi = 0x02, kIcw4SpecialFullyNested = 0x10;
// OCW3
constexpr u8 kOcw3 = 0x08, kOcw3Poll = 0x04, kOcw3ReadSelect = 0x02, kOcw3ReadIsr = 0x01,
             kOcw3SpecialMaskSelect = 0x40, kOcw3SpecialMask = 0x20;

constexpr u8 bit(unsigned n) { return static_cast<u8>(1u << n); }

}  // namespace

std::span<const StateMember> Pic8259::State::members() {
  static const StateMember kMembers[] = {
      member<&State::levels>("levels"),
      member<&State::edges>("edges"),
      member<&State::imr>("imr"),
      member<&State::isr>("isr"),
      member<&State::elcr>("elcr"),
      member<&State::vector_base>("vector_base"),
      member<&State::lowest>("lowest", within(0, 7)),
      member<&State::init_step>("init_step", within(0, 4)),
      member<&State::needs_icw4>("needs_icw4"),
      member<&State::single>("single"),
      member<&State::auto_eoi>("auto_eoi"),
      member<&State::rotate_on_auto_eoi>("rotate_on_auto_eoi"),
      member<&State::special_mask>("special_mask"),
      member<&State::special_fully_nested>("special_fully_nested"),
      member<&State::poll>("poll"),
      member<&State::read_isr>("read_isr"),
  };
  return kMembers;
}

std::span<const StateMember> Pic8259::members() {
  static const StateMember kMembers[] = {
      member<&Pic8259::state_>("state"),
  };
  return kMembers;
}

x86::PicRegisters Pic8259::registers() const {
  return {.levels = state_.levels,
          .requests = requests(),
          .imr = state_.imr,
          .isr = state_.isr,
          .elcr = state_.elcr,
          .vector_base = state_.vector_base,
          .lowest = state_.lowest,
          .init_step = static_cast<u8>(state_.init_step),
          .needs_icw4 = state_.needs_icw4,
          .auto_eoi = state_.auto_eoi,
          .rotate_on_auto_eoi = state_.rotate_on_auto_eoi,
          .special_mask = state_.special_mask,
          .special_fully_nested = state_.special_fully_nested,
          .poll = state_.poll,
          .read_isr = state_.read_isr};
}

void Pic8259::set_registers(const x86::PicRegisters& r) {
  state_ = {.levels = r.levels,
            .edges = static_cast<u8>(r.requests & ~r.elcr),
            .imr = r.imr,
            .isr = r.isr,
            .elcr = r.elcr,
            .vector_base = r.vector_base,
            .lowest = r.lowest,
            .init_step = r.init_step,
            .needs_icw4 = r.needs_icw4,
            .single = false,
            .auto_eoi = r.auto_eoi,
            .rotate_on_auto_eoi = r.rotate_on_auto_eoi,
            .special_mask = r.special_mask,
            .special_fully_nested = r.special_fully_nested,
            .poll = r.poll,
            .read_isr = r.read_isr};
}

void Pic8259::reset() { state_ = {.levels = state_.levels}; }

void Pic8259::set_input(unsigned input, bool level) {
  const u8 mask = bit(input);
  if (!level) {
    // A request must stay until it is acknowledged. [8259A "Edge and Level Triggered Modes"]
    state_.levels &= static_cast<u8>(~mask);
    state_.edges &= static_cast<u8>(~mask);
    return;
  }
  if ((state_.levels & mask) == 0) state_.edges |= mask;
  state_.levels |= mask;
}

// The set bit of highest priority; priorities descend from state_.lowest + 1 around to
// state_.lowest.
int Pic8259::highest(u8 bits) const {
  if (bits == 0) return -1;
  unsigned input = (state_.lowest + 1) & 7;
  while ((bits & bit(input)) == 0) input = (input + 1) & 7;
  return static_cast<int>(input);
}

int Pic8259::pending() const {
  const int request = highest(requests() & static_cast<u8>(~state_.imr));
  if (request < 0) return -1;
  u8 blocking = state_.isr;
  if (state_.special_mask) blocking &= static_cast<u8>(~state_.imr);
  if (state_.special_fully_nested && master_) blocking &= static_cast<u8>(~bit(kCascade));
  const int served = highest(blocking);
  if (served < 0) return request;
  const unsigned rank_request = (static_cast<unsigned>(request) - state_.lowest - 1) & 7;
  const unsigned rank_served = (static_cast<unsigned>(served) - state_.lowest - 1) & 7;
  return rank_request < rank_served ? request : -1;
}

u8 Pic8259::acknowledge(int input) {
  if (input < 0) return state_.vector_base | 7;
  const u8 mask = bit(static_cast<unsigned>(input));
  state_.edges &= static_cast<u8>(~mask);
  if (state_.auto_eoi) {
    if (state_.rotate_on_auto_eoi) state_.lowest = static_cast<u8>(input);
  } else {
    state_.isr |= mask;
  }
  return static_cast<u8>(state_.vector_base | input);
}

void Pic8259::end_of_interrupt(int input, bool rotate) {
  if (input < 0) return;
  state_.isr &= static_cast<u8>(~bit(static_cast<unsigned>(input)));
  if (rotate) state_.lowest = static_cast<u8>(input);
}

u8 Pic8259::read(unsigned port) {
  if (state_.poll) {
    state_.poll = false;
    const int input = pending();
    if (input < 0) return 0;
    acknowledge(input);
    return static_cast<u8>(0x80 | input);
  }
  if (port == 1) return state_.imr;
  return state_.read_isr ? state_.isr : requests();
}

void Pic8259::write_icw1(u8 value) {
  state_.edges = 0;
  state_.imr = 0;
  state_.isr = 0;
  state_.lowest = 7;
  state_.special_mask = state_.read_isr = state_.poll = false;
  state_.auto_eoi = state_.rotate_on_auto_eoi = state_.special_fully_nested = false;
  state_.needs_icw4 = (value & kIcw1NeedsIcw4) != 0;
  state_.single = (value & kIcw1Single) != 0;
  state_.init_step = 2;
}

void Pic8259::write_command(u8 value) {
  if ((value & kIcw1) != 0) {
    write_icw1(value);
  } else if ((value & kOcw3) != 0) {
    state_.poll = (value & kOcw3Poll) != 0;
    if ((value & kOcw3ReadSelect) != 0) state_.read_isr = (value & kOcw3ReadIsr) != 0;
    if ((value & kOcw3SpecialMaskSelect) != 0)
      state_.special_mask = (value & kOcw3SpecialMask) != 0;
  } else {  // OCW2: R, SL, EOI in bits 7 to 5
    const int level = value & 7;
    switch (value >> 5) {
      case 0:
        state_.rotate_on_auto_eoi = false;
        break;
      case 1:
        end_of_interrupt(highest(state_.isr), false);
        break;
      case 3:
        end_of_interrupt(level, false);
        break;
      case 4:
        state_.rotate_on_auto_eoi = true;
        break;
      case 5:
        end_of_interrupt(highest(state_.isr), true);
        break;
      case 6:
        state_.lowest = static_cast<u8>(level);
        break;
      case 7:
        end_of_interrupt(level, true);
        break;
      default:
        break;  // no operation
    }
  }
}

void Pic8259::write(unsigned port, u8 value) {
  if (port == 0) {
    write_command(value);
    return;
  }
  switch (state_.init_step) {
    case 2:
      state_.vector_base = value & 0xf8;
      state_.init_step = !state_.single ? 3 : state_.needs_icw4 ? 4 : 0;
      break;
    case 3:  // the wiring of the cascade is fixed
      state_.init_step = state_.needs_icw4 ? 4 : 0;
      break;
    case 4:
      state_.auto_eoi = (value & kIcw4AutoEoi) != 0;
      state_.special_fully_nested = (value & kIcw4SpecialFullyNested) != 0;
      state_.init_step = 0;
      break;
    default:
      state_.imr = value;
      break;
  }
}

std::span<const StateMember> PicPair::members() {
  static const StateMember kMembers[] = {
      member<&PicPair::chips_>("chips"),
      member<&PicPair::output_level_>("output_level"),
  };
  return kMembers;
}

void PicPair::reset() {
  for (Pic8259& chip : chips_) chip.reset();
  update();
}

void PicPair::set_irq(unsigned input, bool level) {
  if (input >= 16 || input == kCascade) return;
  chips_[input / 8].set_input(input % 8, level);
  update();
}

u8 PicPair::read(unsigned chip, unsigned port) {
  const u8 value = chips_[chip].read(port);
  update();
  return value;
}

void PicPair::write(unsigned chip, unsigned port, u8 value) {
  chips_[chip].write(port, value);
  update();
}

void PicPair::write_elcr(unsigned chip, u8 value) {
  chips_[chip].set_elcr(value);
  update();
}

u8 PicPair::acknowledge() {
  const int input = chips_[0].pending();
  u8 vector = chips_[0].acknowledge(input);
  if (input == static_cast<int>(kCascade)) {
    const int second = chips_[1].pending();
    vector = chips_[1].acknowledge(second);
    if (second >= 0) ++counts_[8 + static_cast<unsigned>(second)];
  } else if (input >= 0) {
    ++counts_[static_cast<unsigned>(input)];
  }
  update();
  return vector;
}

void PicPair::set_registers(const std::array<x86::PicRegisters, 2>& registers) {
  for (std::size_t n = 0; n < chips_.size(); ++n) chips_[n].set_registers(registers[n]);
}

// Carries the second chip's output to the first one's cascade input, and the first one's to INTR.
void PicPair::update() {
  // The second chip asks anew for each request, also while its line stays up.
  const bool second = chips_[1].pending() >= 0;
  chips_[0].set_input(kCascade, false);
  if (second) chips_[0].set_input(kCascade, true);
  drive(intr());
}

void PicPair::drive(bool level) {
  if (level == output_level_) return;
  output_level_ = level;
  output_.set(level);
}

Value PicPair::describe() const {
  Value::List chips;
  for (unsigned n = 0; n < 2; ++n) {
    const Pic8259& c = chips_[n];
    Value::List counts;
    for (unsigned input = 0; input < 8; ++input) counts.push_back(count(8 * n + input));
    chips.push_back(Value::Record{{"requests", c.requests()},
                                  {"masked", c.masked()},
                                  {"in-service", c.in_service()},
                                  {"level", c.elcr()},
                                  {"vectors", c.vector_base()},
                                  {"counts", std::move(counts)}});
  }
  return chips;
}

}  // namespace backplane::pc
