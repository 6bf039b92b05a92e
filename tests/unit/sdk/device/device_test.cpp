// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/error.h"
#include "backplane/testing/test_machine.h"

namespace backplane {
namespace {

using testing::TestBus;
using testing::TestMachine;

// Writes down what happens to it; fails where it is told to.
class Probe : public Device {
  BACKPLANE_OBJECT(Probe, Device, "test-probe")
 public:
  static void class_init(DeviceClass& k) {
    k.bus_type = TestBus::kTypeName;
    k.property<&Probe::name_>("name", "what it writes into the log");
    k.property<&Probe::fail_>("fail", "realize() throws");
    k.property<&Probe::fail_oddly_>("fail-oddly", "realize() throws what is no exception of ours");
    k.property<&Probe::reset_fails_>("reset-fails", "reset() throws");
    k.property<&Probe::rate_>("rate", "may change at any time").dynamic = true;
  }
  static inline std::string log;

  void realize() {
    log += "+" + name_;
    if (fail_) throw Error("it was told to fail");
    if (fail_oddly_) throw 7;
  }
  void unrealize() { log += "-" + name_; }
  void reset() override {
    log += "!" + name_;
    if (reset_fails_) throw Error("it was told to fail");
    Device::reset();
  }

 private:
  std::string name_ = "p";
  bool fail_ = false;
  bool fail_oddly_ = false;
  bool reset_fails_ = false;
  u32 rate_ = 1;
};
BACKPLANE_REGISTER(Probe)

// A device that provides a bus, with an inner device on it.
class Bridge final : public Probe {
 public:
  static void class_init(DeviceClass& k) {
    k.property<&Bridge::inner_fails_>("inner-fails", "the inner device's realize() throws");
  }
  Probe* inner = nullptr;

  void realize() {
    TestBus& below = add_child("below", std::make_unique<TestBus>());
    below.attach_to(*this);
    inner = &add_child("inner", std::make_unique<Probe>());
    inner->set_property("name", "i");
    inner->set_property("fail", inner_fails_ ? "on" : "off");
    inner->set_realized(machine(), &below);
  }

 private:
  bool inner_fails_ = false;
};

BACKPLANE_TYPE(Bridge, "test-bridge")

// Of no type that a probe goes on.
class OtherBus final : public Bus {
 public:
  static void class_init(ObjectClass& k) { k.stateless(); }
};
BACKPLANE_TYPE(OtherBus, "test-other-bus")

class DeviceTest : public ::testing::Test {
 protected:
  DeviceTest() { Probe::log.clear(); }
  static std::string take_log() { return std::exchange(Probe::log, {}); }

  TestMachine machine;
};

TEST_F(DeviceTest, IsPluggedWhenRealizedAndUnpluggedWhenNot) {
  Device& probe = machine.create_device("test-probe");
  EXPECT_TRUE(probe.realized());
  EXPECT_EQ(probe.bus(), &machine.bus());
  EXPECT_EQ(machine.bus().devices(), std::vector<Device*>{&probe});
  probe.set_unrealized();
  EXPECT_FALSE(probe.realized());
  EXPECT_EQ(probe.bus(), nullptr);
  EXPECT_TRUE(machine.bus().devices().empty());
  EXPECT_EQ(take_log(), "+p-p");
}

TEST_F(DeviceTest, RealizingTwiceDoesNothing) {
  Device& probe = machine.create_device("test-probe");
  probe.set_realized(machine, &machine.bus());
  probe.set_unrealized();
  probe.set_unrealized();
  EXPECT_EQ(take_log(), "+p-p");
}

TEST_F(DeviceTest, FailedRealizeIsUndone) {
  EXPECT_THROW(machine.create_device("test-probe", {{"fail", "on"}}), Error);
  EXPECT_EQ(take_log(), "+p-p");
  EXPECT_TRUE(machine.bus().devices().empty());
  EXPECT_TRUE(machine.find("unattached")->children().empty());
}

TEST_F(DeviceTest, ErrorNamesDeviceAndStep) {
  try {
    machine.create_device("test-probe", {{"fail", "on"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "test-probe: realize: it was told to fail");
  }
}

TEST_F(DeviceTest, WhateverRealizeThrowsIsUndoneAndNamed) {
  try {
    machine.create_device("test-probe", {{"fail-oddly", "on"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "test-probe: realize: an exception of type int");
  }
  EXPECT_EQ(take_log(), "+p-p");
  EXPECT_TRUE(machine.bus().devices().empty());
}

TEST_F(DeviceTest, ErrorNamesTheInnermostDevice) {
  try {
    machine.create_device("test-bridge", {{"name", "b"}, {"inner-fails", "on"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "test-probe: realize: it was told to fail");
  }
  EXPECT_EQ(take_log(), "+b+i-i-b");
}

TEST_F(DeviceTest, StepsOfItsAncestorsAreNamedAndThoseBegunAreUndone) {
  try {
    machine.create_device("test-bridge", {{"name", "b"}, {"fail", "on"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "test-bridge: test-probe realize: it was told to fail");
  }
  EXPECT_EQ(take_log(), "+b-b");
}

TEST_F(DeviceTest, IsRefusedOnABusOfAnotherType) {
  Device& bridge = machine.create_device("test-bridge");
  auto& other = bridge.add_child("other", std::make_unique<OtherBus>());
  Probe& probe = bridge.add_child("misplaced", std::make_unique<Probe>());
  take_log();
  EXPECT_THROW(probe.set_realized(machine, &other), Error);
  EXPECT_THROW(probe.set_realized(machine), Error);
  EXPECT_EQ(take_log(), "");
  EXPECT_EQ(probe.bus(), nullptr);
}

TEST_F(DeviceTest, UnrealizeBeginsWithWhatSitsOnItsBuses) {
  Device& bridge = machine.create_device("test-bridge", {{"name", "b"}});
  EXPECT_EQ(bridge.child_buses().size(), 1U);
  take_log();
  bridge.set_unrealized();
  EXPECT_EQ(take_log(), "-i-b");
  EXPECT_FALSE(static_cast<Bridge&>(bridge).inner->realized());
}

TEST_F(DeviceTest, ResetReachesDevicesOnItsBuses) {
  Device& bridge = machine.create_device("test-bridge", {{"name", "b"}});
  take_log();
  bridge.reset();
  EXPECT_EQ(take_log(), "!b!i");
}

TEST_F(DeviceTest, AResetThatThrowsEndsTheProgramWithALine) {
  Device& probe = machine.create_device("test-probe", {{"reset-fails", "on"}});
  EXPECT_DEATH_IF_SUPPORTED(
      probe.bus()->reset(),
      "sdk-device-tests.*: reset of /.* \\(test-probe\\) threw: it was told to fail");
}

TEST_F(DeviceTest, RealizedIsNoPropertyOfAUser) {
  Device& probe = machine.create_device("test-probe");
  EXPECT_THROW(probe.set_property("realized", "off"), Error);
  EXPECT_TRUE(probe.realized());
  EXPECT_THROW(machine.create_device("test-probe", {{"realized", "on"}}), Error);
}

TEST_F(DeviceTest, PropertiesAreFixedOnceRealizedUnlessDynamic) {
  Device& probe = machine.create_device("test-probe");
  EXPECT_THROW(probe.set_property("name", "x"), Error);
  EXPECT_EQ(probe.get_property("name"), "p");
  probe.set_property("rate", "5");
  EXPECT_EQ(probe.get_property("rate"), "5");
  probe.set_unrealized();
  probe.set_property("name", "x");
}

TEST_F(DeviceTest, DestroyedDeviceLeavesItsBus) {
  Device& probe = machine.create_device("test-probe");
  machine.find("unattached")->remove_child(probe);
  EXPECT_TRUE(machine.bus().devices().empty());
}

TEST_F(DeviceTest, DestroyedBusLeavesItsDevicesWithoutOne) {
  Device& bridge = machine.create_device("test-bridge");
  Probe& inner = *static_cast<Bridge&>(bridge).inner;
  bridge.remove_child(*bridge.find("below"));
  EXPECT_EQ(inner.bus(), nullptr);
  EXPECT_TRUE(bridge.child_buses().empty());
}

}  // namespace
}  // namespace backplane
