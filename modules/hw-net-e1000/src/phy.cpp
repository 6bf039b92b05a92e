// SPDX-License-Identifier: MIT
#include "phy.h"

namespace backplane::e1000 {

namespace {

enum PhyRegister : unsigned {
  kPhyControl = 0,
  kPhyStatus = 1,
  kPhyIdHigh = 2,
  kPhyIdLow = 3,
  kAdvertisement = 4,
  kPartner = 5,
  kExpansion = 6,
  k1000Control = 9,
  k1000Status = 10,
  kExtendedStatus = 15,
  kSpecificControl = 16,
  kSpecificStatus = 17,
  kInterruptEnable = 18,
  kExtendedControl = 20,
  kReceiveErrors = 21,
};

constexpr u16 kControlReset = 0x8000;
constexpr u16 kControlLoopback = 0x4000;
constexpr u16 kControlPowerDown = 0x0800;
constexpr u16 kControlRestart = 0x0200;
constexpr u16 kControlAtReset = 0x1140;  // 1000 Mbit/s, full duplex, negotiates

constexpr u16 kStatusAbilities = 0x7949;  // 10 and 100 Mbit/s, more in register 15
constexpr u16 kStatusNegotiated = 0x0020;
constexpr u16 kStatusLink = 0x0004;
constexpr u16 kStatusExtended = 0x0100;

// The transceiver inside of the 82540EM.
constexpr u16 kIdHighValue = 0x0141;
constexpr u16 kIdLowValue = 0x0c20;
constexpr u16 kAdvertisementAtReset = 0x0de1;
constexpr u16 kPartnerValue = 0xcde1;  // acknowledges all of that
constexpr u16 kExpansionValue = 0x0005;
constexpr u16 k1000ControlAtReset = 0x0e00;
constexpr u16 k1000StatusLink = 0x3c00;
constexpr u16 kExtendedStatusValue = 0x3000;
constexpr u16 kSpecificControlAtReset = 0x0360;
constexpr u16 kSpecificStatusLink = 0xac00;  // 1000 Mbit/s, full duplex, resolved, link
constexpr u16 kExtendedControlAtReset = 0x0d60;

constexpr u32 bit(unsigned index) { return 1U << index; }
constexpr u32 kWritable = bit(kPhyControl) | bit(kAdvertisement) | bit(k1000Control) |
                          bit(kSpecificControl) | bit(kInterruptEnable) | bit(kExtendedControl) |
                          bit(29) | bit(30);  // pages of the vendor's

}  // namespace

std::span<const StateMember> Phy::members() {
  static const StateMember kMembers[] = {member<&Phy::registers_>("registers")};
  return kMembers;
}

void Phy::reset() {
  registers_ = {};
  registers_[kPhyControl] = kControlAtReset;
  registers_[kAdvertisement] = kAdvertisementAtReset;
  registers_[k1000Control] = k1000ControlAtReset;
  registers_[kSpecificControl] = kSpecificControlAtReset;
  registers_[kExtendedControl] = kExtendedControlAtReset;
}

u16 Phy::read(unsigned index, bool link) const {
  switch (index) {
    case kPhyStatus:
      return kStatusAbilities | kStatusExtended | (link ? kStatusLink | kStatusNegotiated : 0);
    case kPhyIdHigh:
      return kIdHighValue;
    case kPhyIdLow:
      return kIdLowValue;
    case kPartner:
      return link ? kPartnerValue : u16{0};
    case kExpansion:
      return link ? kExpansionValue : u16{0};
    case k1000Status:
      return link ? k1000StatusLink : u16{0};
    case kExtendedStatus:
      return kExtendedStatusValue;
    case kSpecificStatus:
      return link ? kSpecificStatusLink : u16{0};
    default:
      return registers_[index % kRegisters];
  }
}

bool Phy::write(unsigned index, u16 value) {
  if ((kWritable >> index % kRegisters & 1) == 0) return false;
  if (index != kPhyControl) {
    registers_[index % kRegisters] = value;
    return false;
  }
  if ((value & kControlReset) != 0) {
    reset();
    return true;
  }
  registers_[kPhyControl] = static_cast<u16>(value & ~kControlRestart);
  return (value & kControlRestart) != 0;
}

bool Phy::loops_back() const { return (registers_[kPhyControl] & kControlLoopback) != 0; }
bool Phy::is_down() const { return (registers_[kPhyControl] & kControlPowerDown) != 0; }

}  // namespace backplane::e1000
