// SPDX-License-Identifier: MIT
#include "pci_hotplug/pci_hotplug.h"

#include <gtest/gtest.h>

#include "backplane/pci/host_bridge.h"
#include "backplane/pci/pci_device.h"
#include "backplane/testing/test_machine.h"

namespace backplane::pc {
namespace {

class Card : public PciDevice {
 public:
  static void class_init(PciDeviceClass& k) {
    k.identity = {.vendor = 0x1234, .device = 0x5678};
    k.stateless();
  }
};
BACKPLANE_TYPE(Card, "hotplug-test-card")

// One that stays where it is.
class FixedCard : public PciDevice {
 public:
  static void class_init(PciDeviceClass& k) {
    k.identity = {.vendor = 0x1234, .device = 0x5679};
    k.hotpluggable = false;
    k.stateless();
  }
};
BACKPLANE_TYPE(FixedCard, "hotplug-test-fixed-card")

class PciHotplugTest : public ::testing::Test {
 protected:
  using Controller = PciHotplugController;

  PciHotplugTest() {
    machine_.create_device("hotplug-test-card", {{"addr", "02"}}, &bus_);
    machine_.add_device("hotplug-test-card", "cold", "", {{"addr", "03"}});
    machine_.add_device("hotplug-test-fixed-card", "fixed", "", {{"addr", "04"}});
    controller_.connect(bus_, [this] { ++events_; });
    machine_.power_on();
    deleted_ = machine_.events().subscribe([this](const EventType& type, const Value& data) {
      if (type.name == kDeviceDeletedEvent.name) gone_.push_back(to_text(data));
    });
  }

  u32 read(Controller::Register at) { return machine_.io().load<u32>(Controller::kBase + at); }
  void eject(u32 slots) {
    machine_.io().store<u32>(Controller::kBase + Controller::kEject, slots);
    machine_.run_main_loop();
  }
  void remove(const char* id) {
    Device& device = *machine_.find_device(id);
    device.bus()->request_unplug(device);
  }

  backplane::testing::TestMachine machine_;
  PciBus& bus_ = dynamic_cast<PciHostBridge&>(machine_.create_device("pci-host-bridge")).pci_bus();
  Controller& controller_ =
      dynamic_cast<Controller&>(machine_.create_device(Controller::kTypeName));
  unsigned events_ = 0;
  Subscription deleted_;
  std::vector<std::string> gone_;
};

TEST_F(PciHotplugTest, ADeviceThatComesIsToldOnce) {
  EXPECT_EQ(read(Controller::kUp), 0U);
  machine_.add_device("hotplug-test-card", "hot", "", {{"addr", "05"}});
  EXPECT_EQ(events_, 1U);
  EXPECT_EQ(read(Controller::kUp), 1U << 5);
  EXPECT_EQ(read(Controller::kUp), 0U);
}

TEST_F(PciHotplugTest, FunctionsComeWithTheirSlot) {
  machine_.add_device("hotplug-test-card", "f1", "", {{"addr", "05.1"}});
  EXPECT_EQ(events_, 0U);
  machine_.add_device("hotplug-test-card", "f0", "", {{"addr", "05.0"}, {"multifunction", "on"}});
  EXPECT_EQ(events_, 1U);
  EXPECT_EQ(read(Controller::kUp), 1U << 5);
}

TEST_F(PciHotplugTest, ADeviceGoesWhenTheGuestLetsGo) {
  remove("cold");
  EXPECT_EQ(events_, 1U);
  EXPECT_EQ(read(Controller::kDown), 1U << 3);
  EXPECT_EQ(read(Controller::kDown), 1U << 3);
  machine_.run_main_loop();
  EXPECT_NE(machine_.find_device("cold"), nullptr);
  eject(1U << 3);
  EXPECT_EQ(machine_.find_device("cold"), nullptr);
  EXPECT_EQ(bus_.config_read(3 << 3, 0, 4), ~u32{0});
  EXPECT_EQ(read(Controller::kDown), 0U);
  EXPECT_EQ(gone_, std::vector<std::string>{"device: cold\npath: /peripheral/cold\n"});
}

TEST_F(PciHotplugTest, AllFunctionsOfASlotGo) {
  machine_.add_device("hotplug-test-card", "f1", "", {{"addr", "05.1"}});
  machine_.add_device("hotplug-test-card", "f0", "", {{"addr", "05.0"}, {"multifunction", "on"}});
  remove("f1");
  eject(1U << 5);
  EXPECT_EQ(machine_.find_device("f0"), nullptr);
  EXPECT_EQ(machine_.find_device("f1"), nullptr);
  EXPECT_EQ(gone_.size(), 2U);
}

TEST_F(PciHotplugTest, AGuestMayLetGoUnasked) {
  eject(1U << 3);
  EXPECT_EQ(machine_.find_device("cold"), nullptr);
}

TEST_F(PciHotplugTest, WhatIsTheBoardsOrFixedStays) {
  EXPECT_EQ(read(Controller::kRemovable), 1U << 3);
  eject(~u32{0});
  EXPECT_NE(bus_.device_at(2 << 3), nullptr);
  EXPECT_NE(machine_.find_device("fixed"), nullptr);
  EXPECT_THROW(bus_.request_unplug(*bus_.device_at(2 << 3)), Error);
  EXPECT_THROW(remove("fixed"), Error);
  EXPECT_EQ(events_, 0U);
}

TEST_F(PciHotplugTest, TwoEjectsOfOneSlotDoNoHarm) {
  machine_.io().store<u32>(Controller::kBase + Controller::kEject, 1U << 3);
  eject(1U << 3);
  eject(1U << 3);
  EXPECT_EQ(gone_.size(), 1U);
}

TEST_F(PciHotplugTest, AResetDoesWhatTheGuestWasAskedFor) {
  remove("cold");
  machine_.run_control().reset();
  machine_.run_main_loop();
  EXPECT_EQ(machine_.find_device("cold"), nullptr);
  EXPECT_EQ(read(Controller::kDown), 0U);
}

TEST_F(PciHotplugTest, WithoutAControllerNothingGoes) {
  bus_.set_hotplug(nullptr);
  machine_.add_device("hotplug-test-card", "hot", "", {});
  EXPECT_THROW(remove("hot"), Error);
}

}  // namespace
}  // namespace backplane::pc
