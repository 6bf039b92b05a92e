// SPDX-License-Identifier: MIT
#include "interrupts/interrupt_controllers.h"

#include <gtest/gtest.h>

#include "backplane/testing/test_machine.h"
#include "interrupts/describe.h"

namespace backplane::pc {
namespace {

class InterruptControllersTest : public ::testing::Test {
 protected:
  // The inputs of the first 8259 that ask for service.
  u8 requests() {
    machine_.io().store<u8>(0x20, 0x0a);
    return machine_.io().load<u8>(0x20);
  }

  backplane::testing::TestMachine machine_{1_MiB};
  InterruptControllers& irqs_ =
      dynamic_cast<InterruptControllers&>(machine_.create_device("pc-interrupts"));
};

TEST_F(InterruptControllersTest, LinesOfOneNumberAreWiredTogether) {
  machine_.io().store<u8>(0x4d0, 0x20);  // IRQ 5 is level-triggered
  const IrqLine first = irqs_.isa_irq(5), second = irqs_.isa_irq(5);
  first.raise();
  second.raise();
  first.lower();
  EXPECT_EQ(requests(), 0x20);
  second.lower();
  EXPECT_EQ(requests(), 0x00);
}

TEST_F(InterruptControllersTest, ALineIsHeldNotCounted) {
  machine_.io().store<u8>(0x4d0, 0x20);
  const IrqLine line = irqs_.isa_irq(5);
  line.raise();
  line.raise();
  line.lower();
  EXPECT_EQ(requests(), 0x00);
}

TEST_F(InterruptControllersTest, LegacyReplacementReleasesAndRestoresTheTimersLines) {
  const IrqLine pit = irqs_.isa_irq(0), hpet = irqs_.legacy_timer_line(0);
  pit.raise();
  irqs_.set_legacy_replacement(true);
  machine_.io().store<u8>(0x20, 0x11);  // ICW1 clears the edge
  EXPECT_EQ(requests(), 0x00);
  hpet.raise();
  EXPECT_EQ(requests(), 0x01);
}

TEST_F(InterruptControllersTest, AnswersInfoIrq) {
  const Value value = machine_.call(irqs_, "query-irq");
  EXPECT_NO_THROW(check(kControllers, value));
  EXPECT_FALSE(value.find("in-kernel")->as_bool());
  ASSERT_EQ(value.find("pics")->as_list().size(), 2U);
  const std::string text = print_controllers(value);
  EXPECT_NE(text.find("8259 1: requests=00 masked="), std::string::npos) << text;
  EXPECT_NE(text.find("IOAPIC: id=0 inputs="), std::string::npos) << text;
}

}  // namespace
}  // namespace backplane::pc
