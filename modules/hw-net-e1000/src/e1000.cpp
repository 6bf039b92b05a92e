// SPDX-License-Identifier: MIT
#include "e1000.h"

#include <algorithm>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "mac_addresses.h"

namespace backplane::e1000 {

namespace {

constexpr unsigned kMemoryBar = 0;
constexpr unsigned kIoBar = 1;
constexpr u8 kRevision = 0x03;
constexpr u32 kEthernetClass = 0x02'00'00;

}  // namespace

void Card::class_init(PciDeviceClass& k) {
  k.identity = {.vendor = kVendor,
                .device = kDevice,
                .revision = kRevision,
                .class_code = kEthernetClass,
                .subsystem_vendor = kVendor,
                .subsystem = kDevice};
  k.interrupt_pin = 1;
  k.option_rom = "efi-e1000.rom";
  k.property<&Card::netdev_>("netdev", "id of the -netdev behind it; none: no cable");
  k.property<&Card::mac_>("mac", "its address (default: one that no other device has)");
  k.property<&Card::bootindex_>("bootindex", "its place when firmware boots (-1: none)");
  k.property<&Card::plugged_in, &Card::set_link>("link", "the cable is plugged in").dynamic = true;
  k.state<&Card::state_>(1);
  k.state<&Card::eeprom_>(1, "eeprom");
  k.state<&Card::phy_>(1, "phy");
  k.state_timer<&Card::throttle_>("throttle");
}

std::span<const StateMember> Card::Ring::members() {
  static const StateMember kMembers[] = {member<&Ring::base_low>("base_low"),
                                         member<&Ring::base_high>("base_high"),
                                         member<&Ring::length>("length", within(0, 0xfff80)),
                                         member<&Ring::head>("head", within(0, 0xffff)),
                                         member<&Ring::tail>("tail", within(0, 0xffff))};
  return kMembers;
}

std::span<const StateMember> Card::Context::members() {
  static const StateMember kMembers[] = {
      member<&Context::ipcss>("ipcss"),   member<&Context::ipcso>("ipcso"),
      member<&Context::tucss>("tucss"),   member<&Context::tucso>("tucso"),
      member<&Context::hdrlen>("hdrlen"), member<&Context::command>("command"),
      member<&Context::ipcse>("ipcse"),   member<&Context::tucse>("tucse"),
      member<&Context::mss>("mss")};
  return kMembers;
}

std::span<const StateMember> Card::State::members() {
  static const StateMember kMembers[] = {member<&State::ctrl>("ctrl"),
                                         member<&State::ctrl_ext>("ctrl_ext"),
                                         member<&State::eecd>("eecd"),
                                         member<&State::eerd>("eerd"),
                                         member<&State::mdic>("mdic"),
                                         member<&State::icr>("icr"),
                                         member<&State::ims>("ims"),
                                         member<&State::itr>("itr"),
                                         member<&State::rctl>("rctl"),
                                         member<&State::tctl>("tctl"),
                                         member<&State::rxcsum>("rxcsum"),
                                         member<&State::io_address>("io_address"),
                                         member<&State::receive>("receive"),
                                         member<&State::transmit>("transmit"),
                                         member<&State::context>("context"),
                                         member<&State::stored>("stored"),
                                         member<&State::multicast>("multicast"),
                                         member<&State::addresses>("addresses"),
                                         member<&State::vlans>("vlans"),
                                         member<&State::statistics>("statistics")};
  return kMembers;
}

std::string Card::describe() const {
  return fmt::format("{}, {}, {}", PciDevice::describe(), PropertyTraits<MacAddress>::print(mac_),
                     has_link() ? netdev_->describe() : "not connected");
}

void Card::realize() {
  if (!mac_.is_set()) mac_ = free_mac_address(machine());
  eeprom_.set_contents(mac_);
  load_defaults();
  throttle_ = std::make_unique<Timer>(machine().virtual_clock(), [this] { update_interrupt(); });
  add_bar(kMemoryBar, kMemorySize,
          MmioHandler::of<&Card::memory_read, &Card::memory_write>(*this).sizes(4, 4));
  add_bar(kIoBar, kIoSize, MmioHandler::of<&Card::io_read, &Card::io_write>(*this).sizes(4, 4),
          BarType::Io);
  if (!netdev_) return;
  netdev_->set_client(this);
  run_state_ = machine().run_control().on_change([this](bool running) {
    // Soon: the machine is about to run when this is called.
    if (running)
      machine().main_loop().post([this, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired() && netdev_) netdev_->receive_more();
      });
  });
}

void Card::unrealize() {
  run_state_.end();
  if (netdev_) netdev_->set_client(nullptr);
  netdev_.disconnect();
  throttle_.reset();
}

void Card::reset() {
  PciDevice::reset();
  load_defaults();
  forget_frame();
  update_interrupt();
}

void Card::loaded() {
  PciDevice::loaded();
  forget_frame();
}

// A frame that is half gathered does not survive a load; the driver's retransmission does.
void Card::forget_frame() {
  frame_.clear();
  frame_lost_ = in_frame_ = segments_ = false;
  options_ = 0;
}

void Card::command_changed() {
  if (bus_master() && realized()) transmit();
}

// The software's reset: all but the EEPROM and what PCI has. [8254x §13.4.1 "Device Control
// Register"]
void Card::reset_card() {
  state_ = {.io_address = state_.io_address};
  phy_.reset();
  if (throttle_) throttle_->cancel();
  load_defaults();
  forget_frame();
  update_interrupt();
}

void Card::load_defaults() {
  constexpr u32 kVlanType = 0x8100;
  constexpr u32 kBufferSplit = 0x0010'0030;  // KiB for frames sent, and received
  *table_entry(kVet) = kVlanType;
  *table_entry(kPba) = kBufferSplit;
  const auto& bytes = mac_.bytes;
  state_.addresses[0] = static_cast<u32>(bytes[0] | bytes[1] << 8 | bytes[2] << 16) |
                        static_cast<u32>(bytes[3]) << 24;
  state_.addresses[1] = static_cast<u32>(bytes[4] | bytes[5] << 8) | kRahAv;
}

void Card::set_link(bool plugged_in) {
  if (plugged_in == plugged_in_) return;
  plugged_in_ = plugged_in;
  if (realized()) interrupt(kLsc);
}

// --- interrupts [8254x §13.4.17 "Interrupt Cause Read Register" and those after it] -------------

void Card::interrupt(u32 causes) {
  state_.icr |= causes;
  update_interrupt();
}

// Interrupts begin at most once in ITR times 256 ns.
void Card::update_interrupt() {
  constexpr i64 kUnit = 256;
  const bool wanted = (state_.icr & state_.ims) != 0;
  if (!wanted || intx()) return set_intx(wanted);
  if (throttle_ && throttle_->armed()) return;
  if (throttle_ && state_.itr != 0) throttle_->arm_in(i64{state_.itr} * kUnit);
  set_intx(true);
}

BACKPLANE_REGISTER(Card, .category = "Network", .description = "Intel's 82540EM network card")

}  // namespace backplane::e1000
