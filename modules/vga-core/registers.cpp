// SPDX-License-Identifier: MIT
#include "registers.h"

namespace backplane::vga {

namespace {

// Bits of the sequencer's and the graphics controller's registers that there are.
constexpr std::array<u8, kSequencerCount> kSequencerBits{0x03, 0x3d, 0x0f, 0x3f, 0x0e};
constexpr std::array<u8, kGraphicsCount> kGraphicsBits{0x0f, 0x0f, 0x0f, 0x1f, 0x03,
                                                       0x7b, 0x0f, 0x0f, 0xff};
constexpr u8 kSixBits = 0x3f;

// The CRTC and status 1 answer at one of two places.
bool answers(const Registers& r, u16 port) {
  const bool colour = (r.misc & kMiscColour) != 0;
  if (port < kAttributeIndex) return !colour;
  return port < 0x3d0 || colour;
}

u16 in_colour(u16 port) { return port < kAttributeIndex ? static_cast<u16>(port + 0x20) : port; }

u8 read_attribute(const Registers& r) {
  const unsigned index = r.attribute_index & 0x1f;
  return index < kAttributeCount ? r.attribute[index] : 0;
}

// Index and data in turn at one port.
bool write_attribute(Registers& r, u8 value) {
  const bool data = r.attribute_data_next;
  r.attribute_data_next = !data;
  if (!data) {
    r.attribute_index = value & kSixBits;
    return true;
  }
  const unsigned index = r.attribute_index & 0x1f;
  if (index >= kAttributeCount) return false;
  r.attribute[index] = index < 16 ? value & kSixBits : value;
  return true;
}

u8 read_dac(Registers& r) {
  const u8 value = r.dac[u32{r.dac_read_index} * 3 + r.dac_component];
  if (++r.dac_component == 3) {
    r.dac_component = 0;
    ++r.dac_read_index;
  }
  return value;
}

bool write_dac(Registers& r, u8 value) {
  if (!r.dac_8bit) value &= kSixBits;
  if (r.dac_component < 2) {
    r.dac_given[r.dac_component++] = value;
    return false;
  }
  const u32 at = u32{r.dac_write_index++} * 3;
  r.dac[at] = r.dac_given[0];
  r.dac[at + 1] = r.dac_given[1];
  r.dac[at + 2] = value;
  r.dac_component = 0;
  return true;
}

bool write_crtc(Registers& r, u8 value) {
  if (r.crtc_index >= kCrtcCount) return false;
  u8& target = r.crtc[r.crtc_index];
  if ((r.crtc[kVerticalRetraceEnd] & kProtect) != 0 && r.crtc_index <= kOverflow) {
    if (r.crtc_index == kOverflow)
      target = static_cast<u8>((target & ~kOverflowLineCompare) | (value & kOverflowLineCompare));
    return true;
  }
  target = value;
  return true;
}

}  // namespace

std::span<const StateMember> Registers::members() {
  static const StateMember kMembers[] = {
      member<&Registers::misc>("misc"),
      member<&Registers::feature>("feature"),
      member<&Registers::status1>("status1"),
      member<&Registers::sequencer_index>("sequencer_index"),
      member<&Registers::sequencer>("sequencer"),
      member<&Registers::graphics_index>("graphics_index"),
      member<&Registers::graphics>("graphics"),
      member<&Registers::crtc_index>("crtc_index"),
      member<&Registers::crtc>("crtc"),
      member<&Registers::attribute_index>("attribute_index"),
      member<&Registers::attribute_data_next>("attribute_data_next"),
      member<&Registers::attribute>("attribute"),
      member<&Registers::dac_mask>("dac_mask"),
      member<&Registers::dac_read_index>("dac_read_index"),
      member<&Registers::dac_write_index>("dac_write_index"),
      member<&Registers::dac_reading>("dac_reading"),
      member<&Registers::dac_component>("dac_component", up_to(2)),
      member<&Registers::dac_given>("dac_given"),
      member<&Registers::dac>("dac"),
      member<&Registers::dac_8bit>("dac_8bit"),
      member<&Registers::latch>("latch"),
      member<&Registers::dispi_index>("dispi_index"),
      member<&Registers::dispi>("dispi"),
  };
  return kMembers;
}

u8 read_port(Registers& r, u16 port) {
  if (!answers(r, port)) return 0xff;
  switch (in_colour(port)) {
    case kAttributeIndex:
      return r.attribute_data_next ? 0 : r.attribute_index;
    case kAttributeData:
      return read_attribute(r);
    case kMiscWrite:  // input status 0: a monitor is connected
      return 0x10;
    case kSequencerIndex:
      return r.sequencer_index;
    case kSequencerData:
      return r.sequencer_index < kSequencerCount ? r.sequencer[r.sequencer_index] : 0;
    case kDacMask:
      return r.dac_mask;
    case kDacReadIndex:
      return r.dac_reading ? 3 : 0;
    case kDacWriteIndex:
      return r.dac_write_index;
    case kDacData:
      return read_dac(r);
    case kFeatureRead:
      return r.feature;
    case kMiscRead:
      return r.misc;
    case kGraphicsIndex:
      return r.graphics_index;
    case kGraphicsData:
      return r.graphics_index < kGraphicsCount ? r.graphics[r.graphics_index] : 0;
    case kCrtcIndex:
      return r.crtc_index;
    case kCrtcData:
      return r.crtc_index < kCrtcCount ? r.crtc[r.crtc_index] : 0;
    case kStatus1:
      // Whoever waits for a retrace, or for its end, has it at the next look.
      r.attribute_data_next = false;
      r.status1 ^= kVerticalRetrace | kDisplayDisabled;
      return r.status1;
    default:
      return 0;
  }
}

bool write_port(Registers& r, u16 port, u8 value) {
  if (!answers(r, port)) return false;
  switch (in_colour(port)) {
    case kAttributeIndex:
      return write_attribute(r, value);
    case kMiscWrite:
      r.misc = value & 0xef;
      return true;
    case kSequencerIndex:
      r.sequencer_index = value & 0x07;
      return false;
    case kSequencerData:
      if (r.sequencer_index >= kSequencerCount) return false;
      r.sequencer[r.sequencer_index] = value & kSequencerBits[r.sequencer_index];
      return r.sequencer_index != kMapMask;
    case kDacMask:
      r.dac_mask = value;
      return true;
    case kDacReadIndex:
      r.dac_read_index = value;
      r.dac_component = 0;
      r.dac_reading = true;
      return false;
    case kDacWriteIndex:
      r.dac_write_index = value;
      r.dac_component = 0;
      r.dac_reading = false;
      return false;
    case kDacData:
      return write_dac(r, value);
    case kGraphicsIndex:
      r.graphics_index = value & 0x0f;
      return false;
    case kGraphicsData:
      if (r.graphics_index >= kGraphicsCount) return false;
      r.graphics[r.graphics_index] = value & kGraphicsBits[r.graphics_index];
      // The others say how memory is read and written.
      return r.graphics_index == kGraphicsMode || r.graphics_index == kMiscellaneous;
    case kCrtcIndex:
      r.crtc_index = value;
      return false;
    case kCrtcData:
      return write_crtc(r, value);
    case kStatus1:
      r.feature = value & 0x10;
      return false;
    default:
      return false;
  }
}

}  // namespace backplane::vga
