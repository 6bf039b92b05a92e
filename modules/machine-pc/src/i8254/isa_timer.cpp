// SPDX-License-Identifier: MIT
// "isa-pit": the 8254 at ports 40h to 43h, and port 61h, through which its counter 2 is gated and
// read. [IBM PC AT Technical Reference "System Timers"]
#include <memory>
#include <optional>

#include "backplane/enumeration.h"
#include "backplane/isa/isa_device.h"
#include "backplane/machine.h"
#include "backplane/x86/platform_interrupts.h"
#include "backplane/x86/system.h"
#include "i8254/i8254.h"
#include "i8254/polled_output.h"
#include "time/ticks.h"

namespace backplane {

template <>
struct EnumNames<pc::LostTickPolicy> {
  static constexpr EnumName<pc::LostTickPolicy> kNames[] = {
      {pc::LostTickPolicy::Delay, "delay"}, {pc::LostTickPolicy::Discard, "discard"}};
};

namespace pc {

namespace {

// Port 61h.
constexpr u8 kGate2 = 0x01, kSpeaker = 0x02, kRefresh = 0x10, kOutput2 = 0x20;
constexpr u64 kRefreshHertz = 66'288;  // toggles of the refresh bit per second

class IsaPit final : public IsaDevice {
 public:
  static void class_init(DeviceClass& k) {
    k.property<&IsaPit::lost_tick_policy_>(
        "lost_tick_policy",
        "ticks that the guest could not take in time; delay: they are delivered late");
    k.state<&IsaPit::pit_>(1, "8254");
    k.state<&IsaPit::state_>(1, {member<&State::port61>("port61")});
  }

  void realize() {
    if (x86::PlatformInterrupts* platform = x86::PlatformInterrupts::of(machine()))
      platform_ = platform->chipset();
    pit_ = std::make_unique<Pit8254>(
        machine().virtual_clock(), isa_bus().irq(0), [this] { return isa_bus().edge_pending(0); },
        lost_tick_policy_);
    if (platform_ != nullptr) return use_platform_timer();
    add_ports("pit", 0x40, 4, MmioHandler::of<&IsaPit::read, &IsaPit::write>(*this).sizes(1, 1));
    add_ports("port61", 0x61, 1,
              MmioHandler::of<&IsaPit::read_port61, &IsaPit::write_port61>(*this).sizes(1, 1));
  }

  void unrealize() { pit_.reset(); }

  void reset() override {
    IsaDevice::reset();
    if (platform_ != nullptr) platform_->reset_timer();
  }

  void saving() override {
    IsaDevice::saving();
    if (platform_ == nullptr) return;
    const x86::TimerRegisters registers = platform_->timer_registers();
    pit_->set_registers(registers);
    state_.port61 = static_cast<u8>((registers.channels[2].gate ? kGate2 : 0) |
                                    (registers.speaker ? kSpeaker : 0));
  }

  void loaded() override {
    IsaDevice::loaded();
    if (platform_ == nullptr) return pit_->loaded();
    x86::TimerRegisters registers = pit_->registers();
    registers.speaker = (state_.port61 & kSpeaker) != 0;
    platform_->set_timer_registers(registers);
    pit_->stand_still();
  }

 private:
  // The accelerator answers at the ports.
  void use_platform_timer() {
    platform_->set_late_ticks(lost_tick_policy_ == LostTickPolicy::Delay);
    run_state_ = machine().run_control().on_change(
        [this](bool running) { platform_->set_timer_running(running); });
  }

  u64 read(u64 offset, unsigned /*size*/) { return pit_->read(static_cast<unsigned>(offset)); }
  void write(u64 offset, u64 value, unsigned /*size*/) {
    pit_->write(static_cast<unsigned>(offset), static_cast<u8>(value));
  }

  u64 read_port61(u64 /*offset*/, unsigned /*size*/) {
    const i64 now = machine().virtual_clock().now();
    const u64 refreshes = ticks_in(now, kRefreshHertz);
    const bool output = pit_->output2();
    if (!output) rest_if_polled(now);
    return state_.port61 | ((refreshes & 1) != 0 ? kRefresh : 0) | (output ? kOutput2 : 0);
  }
  void rest_if_polled(i64 now) {
    if (!machine().virtual_clock().follows_host()) return;
    if (const std::optional<PolledOutput::Wait> wait = pit_->output2_wait())
      x86::rest_behind_port_in(polled_.read_low(now, *wait));
  }
  void write_port61(u64 /*offset*/, u64 value, unsigned /*size*/) {
    state_.port61 = static_cast<u8>(value & (kGate2 | kSpeaker));
    pit_->set_gate2((state_.port61 & kGate2) != 0);
  }

  LostTickPolicy lost_tick_policy_ = LostTickPolicy::Delay;
  // Whose timer takes the place of ours, which then holds what that has while the machine is saved
  // and loaded.
  x86::PlatformChipset* platform_ = nullptr;
  Subscription run_state_;
  std::unique_ptr<Pit8254> pit_;
  PolledOutput polled_;
  struct State {
    u8 port61 = 0;
  };
  State state_;
};

BACKPLANE_TYPE(IsaPit, "isa-pit", .board_only = true, .description = "8254 interval timer")

}  // namespace

}  // namespace pc
}  // namespace backplane
