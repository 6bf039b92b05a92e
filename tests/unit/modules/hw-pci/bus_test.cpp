// SPDX-License-Identifier: MIT
#include "pci_machine.h"

namespace backplane::testing {
namespace {

using namespace pci;

std::string error_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST_F(PciTest, DevicesTakeTheFirstFreeSlots) {
  add("00");
  EXPECT_EQ(add().devfn(), 0x08);
  EXPECT_EQ(add("03").devfn(), 0x18);
  EXPECT_EQ(add().devfn(), 0x10);
  EXPECT_EQ(add().devfn(), 0x20);
}

TEST_F(PciTest, ASlotIsTakenOnce) {
  add("04");
  const std::string text = error_of([this] { add("04"); });
  EXPECT_NE(text.find("addr=04.0: slot in use"), std::string::npos) << text;
  EXPECT_NE(text.find("pci-probe"), std::string::npos) << text;
}

TEST_F(PciTest, FunctionsShareASlotIfFunction0SaysSo) {
  add("04", {{"multifunction", "on"}});
  EXPECT_EQ(add("04.1").devfn(), 0x21);
  EXPECT_EQ(PciDriver(machine_, 4).read8(kHeaderType), kHeaderMultifunction);
  add("05");
  EXPECT_NE(error_of([this] { add("05.1"); }).find("multifunction=on"), std::string::npos);
  add("06.1");
  EXPECT_NE(error_of([this] { add("06"); }).find("multifunction=on"), std::string::npos);
}

TEST_F(PciTest, AFullBusSaysSo) {
  for (int i = 0; i < 32; ++i) add();
  EXPECT_FALSE(bus().has_room());
  EXPECT_NE(error_of([this] { add(); }), "");
}

TEST_F(PciTest, ADeviceThatLeavesFreesItsSlot) {
  ProbeDevice& device = add("04");
  device.set_unrealized();
  EXPECT_FALSE(PciDriver(machine_, 4).present());
  add("04");
}

class Router final : public PciIrqRouter {
 public:
  void set_pirq(unsigned pirq, bool level) override {
    levels.at(pirq) = level;
    ++changes;
  }
  std::array<bool, kPirqs> levels{};
  unsigned changes = 0;
};

// The router outlives the machine, whose devices lower their lines when they go.
struct HasRouter {
  Router router;
};
class PciInterrupts : private HasRouter, public PciTest {
 protected:
  using HasRouter::router;
};

TEST_F(PciInterrupts, PinsAreSwizzledOverTheInputs) {
  bus().set_irq_router(router);
  for (unsigned slot = 4; slot < 8; ++slot) {
    ProbeDevice& device = add(fmt::format("{:02x}", slot));
    device.set_intx(true);
    EXPECT_TRUE(router.levels[slot % 4]) << slot;
    device.set_intx(false);
    EXPECT_FALSE(router.levels[slot % 4]) << slot;
  }
}

TEST_F(PciInterrupts, SharedInputsAreOredTogether) {
  bus().set_irq_router(router);
  ProbeDevice& a = add("04");
  ProbeDevice& b = add("08");
  a.set_intx(true);
  b.set_intx(true);
  a.set_intx(false);
  EXPECT_TRUE(router.levels[0]);
  b.set_intx(false);
  EXPECT_FALSE(router.levels[0]);
  EXPECT_EQ(router.changes, 2U);
}

TEST_F(PciInterrupts, ARouterThatComesLateHearsOfPresentLevels) {
  add("05").set_intx(true);
  bus().set_irq_router(router);
  EXPECT_TRUE(router.levels[1]);
}

TEST_F(PciInterrupts, InterruptDisableHoldsTheLineBack) {
  bus().set_irq_router(router);
  ProbeDevice& device = add("04");
  PciDriver driver(machine_, 4);
  driver.write16(kCommand, kCommandInterruptDisable);
  device.set_intx(true);
  EXPECT_FALSE(router.levels[0]);
  EXPECT_NE(driver.read16(kStatus) & kStatusInterrupt, 0);
  driver.write16(kCommand, 0);
  EXPECT_TRUE(router.levels[0]);
  machine_.run_control().reset();
  EXPECT_FALSE(router.levels[0]);
}

}  // namespace
}  // namespace backplane::testing
