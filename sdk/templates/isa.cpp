// SPDX-License-Identifier: MIT
// An ISA device: a countdown of seconds at two ports, and an interrupt at its end.
//
//   port      read                    write
//   iobase    seconds that are left   seconds to count; 0: none
//   iobase+1  bit 0: it has ended     any: the interrupt is taken
#include <backplane/clock.h>
#include <backplane/isa/isa_device.h>
#include <backplane/machine.h>
#include <backplane/module.h>

#include <memory>

using namespace backplane;

namespace {

constexpr i64 kSecond = 1'000'000'000;

class @CLASS@ final : public IsaDevice {
 public:
  static void class_init(DeviceClass& k) {
    k.property<&@CLASS@::base_>("iobase", "the first of its two ports");
    k.property<&@CLASS@::irq_>("irq", "the line that it drives");
    k.state<&@CLASS@::state_>(1, {member<&State::ended>("ended")});
    k.state_timer<&@CLASS@::timer_>("end");
  }

  void realize() {
    line_ = isa_bus().irq(irq_);
    add_ports("@TYPE@", base_, 2,
              MmioHandler::of<&@CLASS@::read, &@CLASS@::write>(*this).sizes(1, 1));
    timer_ = std::make_unique<Timer>(machine().virtual_clock(), [this] { set_ended(true); });
  }
  void unrealize() {
    timer_.reset();
    IsaDevice::unrealize();
  }

  void reset() override {
    IsaDevice::reset();
    timer_->cancel();
    set_ended(false);
  }
  void loaded() override {
    IsaDevice::loaded();
    line_.set(state_.ended);
  }

 private:
  u64 read(u64 offset, unsigned /*size*/) {
    if (offset == 1) return state_.ended ? 1 : 0;
    if (!timer_->armed()) return 0;
    const i64 left = timer_->deadline() - machine().virtual_clock().now();
    return static_cast<u64>((left + kSecond - 1) / kSecond);
  }
  void write(u64 offset, u64 value, unsigned /*size*/) {
    set_ended(false);
    if (offset == 1) return;
    timer_->cancel();
    if (value != 0) timer_->arm_in(static_cast<i64>(value) * kSecond);
  }
  void set_ended(bool ended) {
    state_.ended = ended;
    line_.set(ended);
  }

  u32 base_ = 0x2e0;
  u32 irq_ = 5;
  struct State {
    bool ended = false;
  };
  State state_;
  IrqLine line_;
  std::unique_ptr<Timer> timer_;
};

BACKPLANE_TYPE(@CLASS@, "@TYPE@", .category = "Misc", .description = "Counts seconds down")

}  // namespace

BACKPLANE_MODULE("@MODULE@", "0.1", "An ISA device that counts down", "MIT")
