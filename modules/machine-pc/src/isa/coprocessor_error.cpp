// SPDX-License-Identifier: MIT
// "coprocessor-error": the boot processor's FERR# as IRQ 13, and port F0h, which ends the interrupt
// and has the processor ignore the error. [PIIX4 "Coprocessor Error Register"]
// [SDM 1 "MS-DOS Compatibility Sub-mode"]
#include "backplane/isa/isa_device.h"
#include "backplane/machine.h"
#include "backplane/x86/cpu.h"

namespace backplane::pc {

namespace {

constexpr unsigned kIrq = 13;

class CoprocessorError final : public IsaDevice {
 public:
  static void class_init(DeviceClass& k) {
    k.state<&CoprocessorError::state_>(
        1, {member<&State::error>("error"), member<&State::interrupt>("interrupt")});
  }

  void realize() {
    irq_ = isa_bus().irq(kIrq);
    add_ports(
        "coprocessor-error", 0xf0, 1,
        MmioHandler::of<&CoprocessorError::read, &CoprocessorError::write>(*this).sizes(1, 1));
    processor_ = dynamic_cast<x86::X86Cpu*>(machine().cpus().front());
    processor_->set_ferr_line([this](bool level) { error_changed(level); });
  }

  void unrealize() {
    if (processor_ != nullptr) processor_->set_ferr_line(nullptr);
  }

  void reset() override {
    IsaDevice::reset();
    irq_.set(false);
    processor_->set_ignne(false);
  }

 private:
  // An interrupt stays until it is ended, whatever becomes of the error.
  void error_changed(bool level) {
    state_.error = level;
    if (level)
      set_interrupt(true);
    else
      processor_->set_ignne(false);
  }
  void set_interrupt(bool level) {
    state_.interrupt = level;
    irq_.set(level);
  }

  u64 read(u64 /*offset*/, unsigned /*size*/) { return 0xff; }
  void write(u64 /*offset*/, u64 /*value*/, unsigned /*size*/) {
    set_interrupt(false);
    if (state_.error) processor_->set_ignne(true);
  }

  x86::X86Cpu* processor_ = nullptr;
  IrqLine irq_;
  struct State {
    bool error = false;
    bool interrupt = false;
  };
  State state_;
};

BACKPLANE_TYPE(CoprocessorError, "coprocessor-error", .board_only = true,
               .description = "FERR# as IRQ 13, and port F0h")

}  // namespace

}  // namespace backplane::pc
