// SPDX-License-Identifier: MIT
#include "chips/i8259.h"

#include <fmt/format.h>

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

void Pic8259::reset() {
  const u8 levels = levels_;
  *this = Pic8259(level_capable_, master_);
  levels_ = levels;
}

void Pic8259::set_input(unsigned input, bool level) {
  const u8 mask = bit(input);
  if (!level) {
    // A request must stay until it is acknowledged. [8259A "Edge and Level Triggered Modes"]
    levels_ &= static_cast<u8>(~mask);
    edges_ &= static_cast<u8>(~mask);
    return;
  }
  if ((levels_ & mask) == 0) edges_ |= mask;
  levels_ |= mask;
}

// The set bit of highest priority; priorities descend from lowest_ + 1 around to lowest_.
int Pic8259::highest(u8 bits) const {
  if (bits == 0) return -1;
  unsigned input = (lowest_ + 1) & 7;
  while ((bits & bit(input)) == 0) input = (input + 1) & 7;
  return static_cast<int>(input);
}

int Pic8259::pending() const {
  const int request = highest(requests() & static_cast<u8>(~imr_));
  if (request < 0) return -1;
  u8 blocking = isr_;
  if (special_mask_) blocking &= static_cast<u8>(~imr_);
  if (special_fully_nested_ && master_) blocking &= static_cast<u8>(~bit(kCascade));
  const int served = highest(blocking);
  if (served < 0) return request;
  const unsigned rank_request = (static_cast<unsigned>(request) - lowest_ - 1) & 7;
  const unsigned rank_served = (static_cast<unsigned>(served) - lowest_ - 1) & 7;
  return rank_request < rank_served ? request : -1;
}

u8 Pic8259::acknowledge(int input) {
  if (input < 0) return vector_base_ | 7;
  const u8 mask = bit(static_cast<unsigned>(input));
  edges_ &= static_cast<u8>(~mask);
  if (auto_eoi_) {
    if (rotate_on_auto_eoi_) lowest_ = static_cast<u8>(input);
  } else {
    isr_ |= mask;
  }
  return static_cast<u8>(vector_base_ | input);
}

void Pic8259::end_of_interrupt(int input, bool rotate) {
  if (input < 0) return;
  isr_ &= static_cast<u8>(~bit(static_cast<unsigned>(input)));
  if (rotate) lowest_ = static_cast<u8>(input);
}

u8 Pic8259::read(unsigned port) {
  if (poll_) {
    poll_ = false;
    const int input = pending();
    if (input < 0) return 0;
    acknowledge(input);
    return static_cast<u8>(0x80 | input);
  }
  if (port == 1) return imr_;
  return read_isr_ ? isr_ : requests();
}

void Pic8259::write_icw1(u8 value) {
  edges_ = 0;
  imr_ = 0;
  isr_ = 0;
  lowest_ = 7;
  special_mask_ = read_isr_ = poll_ = false;
  auto_eoi_ = rotate_on_auto_eoi_ = special_fully_nested_ = false;
  needs_icw4_ = (value & kIcw1NeedsIcw4) != 0;
  single_ = (value & kIcw1Single) != 0;
  init_step_ = 2;
}

void Pic8259::write_command(u8 value) {
  if ((value & kIcw1) != 0) {
    write_icw1(value);
  } else if ((value & kOcw3) != 0) {
    poll_ = (value & kOcw3Poll) != 0;
    if ((value & kOcw3ReadSelect) != 0) read_isr_ = (value & kOcw3ReadIsr) != 0;
    if ((value & kOcw3SpecialMaskSelect) != 0) special_mask_ = (value & kOcw3SpecialMask) != 0;
  } else {  // OCW2: R, SL, EOI in bits 7 to 5
    const int level = value & 7;
    switch (value >> 5) {
      case 0:
        rotate_on_auto_eoi_ = false;
        break;
      case 1:
        end_of_interrupt(highest(isr_), false);
        break;
      case 3:
        end_of_interrupt(level, false);
        break;
      case 4:
        rotate_on_auto_eoi_ = true;
        break;
      case 5:
        end_of_interrupt(highest(isr_), true);
        break;
      case 6:
        lowest_ = static_cast<u8>(level);
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
  switch (init_step_) {
    case 2:
      vector_base_ = value & 0xf8;
      init_step_ = !single_ ? 3 : needs_icw4_ ? 4 : 0;
      break;
    case 3:  // the wiring of the cascade is fixed
      init_step_ = needs_icw4_ ? 4 : 0;
      break;
    case 4:
      auto_eoi_ = (value & kIcw4AutoEoi) != 0;
      special_fully_nested_ = (value & kIcw4SpecialFullyNested) != 0;
      init_step_ = 0;
      break;
    default:
      imr_ = value;
      break;
  }
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

// Carries the second chip's output to the first one's cascade input, and the first one's to INTR.
void PicPair::update() {
  // The second chip asks anew for each request, also while its line stays up.
  const bool second = chips_[1].pending() >= 0;
  chips_[0].set_input(kCascade, false);
  if (second) chips_[0].set_input(kCascade, true);
  const bool level = intr();
  if (level == output_level_) return;
  output_level_ = level;
  output_.set(level);
}

std::string PicPair::describe() const {
  std::string text;
  for (unsigned n = 0; n < 2; ++n) {
    const Pic8259& c = chips_[n];
    text += fmt::format(
        "8259 {}: requests={:02x} masked={:02x} in-service={:02x} level={:02x} vectors={:02x}\n", n,
        c.requests(), c.masked(), c.in_service(), c.elcr(), c.vector_base());
  }
  return text;
}

}  // namespace backplane::pc
