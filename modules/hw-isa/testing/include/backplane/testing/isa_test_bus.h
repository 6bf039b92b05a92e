// SPDX-License-Identifier: MIT
// An ISA bus in a test machine, whose interrupt lines are recorded.
//
//   TestMachine machine;
//   IsaTestBus isa(machine);
//   machine.create_device("my-uart", {{"irq", "4"}}, &isa.bus());
#pragma once

#include <memory>

#include "backplane/isa/isa_device.h"
#include "backplane/testing/irq_recorder.h"
#include "backplane/testing/test_machine.h"

namespace backplane::testing {

class IsaTestBus final : private IsaIrqs {
 public:
  // The bus is the machine's; this outlives it.
  explicit IsaTestBus(TestMachine& machine)
      : bus_(machine.add_child("isa.0", std::make_unique<IsaBus>())) {
    bus_.connect(machine.io_root(), *this);
  }

  IsaBus& bus() { return bus_; }
  // Its inputs are the lines, 0 to 15.
  const IrqRecorder& irqs() const { return irqs_; }

 private:
  IrqLine isa_irq(unsigned number) override { return irqs_.line(number); }

  IrqRecorder irqs_;
  IsaBus& bus_;
};

}  // namespace backplane::testing
