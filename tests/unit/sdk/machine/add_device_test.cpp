// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/error.h"
#include "backplane/testing/test_machine.h"

namespace backplane {
namespace {

using testing::TestBus;
using testing::TestMachine;

class Card final : public Device {
 public:
  static void class_init(DeviceClass& k) {
    k.bus_type = TestBus::kTypeName;
    k.property<&Card::level_>("level", "a number");
  }

 private:
  u8 level_ = 3;
};
BACKPLANE_TYPE(Card, "add-card")

class Loose final : public Device {
 public:
  static void class_init(DeviceClass& k) { k.hotpluggable = false; }
};
BACKPLANE_TYPE(Loose, "add-loose")

class BoardPart final : public Device {
 public:
  static void class_init(DeviceClass& k) { k.user_creatable = false; }
};
BACKPLANE_TYPE(BoardPart, "add-board-part")

class NarrowBus final : public Bus {
  BACKPLANE_OBJECT(NarrowBus, Bus, "add-narrow-bus")
 public:
  bool has_room() const override { return devices().empty(); }
};
BACKPLANE_REGISTER(NarrowBus)

class NarrowCard final : public Device {
 public:
  static void class_init(DeviceClass& k) { k.bus_type = NarrowBus::kTypeName; }
};
BACKPLANE_TYPE(NarrowCard, "add-narrow-card")

class AddDeviceTest : public ::testing::Test {
 protected:
  // The message with which it fails, or what was added.
  std::string add(std::string_view type, const std::string& id = {}, const std::string& bus = {},
                  const std::vector<std::pair<std::string, std::string>>& properties = {}) {
    try {
      return machine.add_device(type, id, bus, properties).path();
    } catch (const Error& error) {
      return error.what();
    }
  }

  TestMachine machine;
};

TEST_F(AddDeviceTest, PutsItOnTheFirstBusThatFits) {
  EXPECT_EQ(add("add-card"), "/peripheral-anon/device[0]");
  EXPECT_EQ(machine.bus().devices().size(), 1U);
}

TEST_F(AddDeviceTest, KeepsItUnderItsId) {
  EXPECT_EQ(add("add-card", "c0"), "/peripheral/c0");
  EXPECT_EQ(machine.find_device("c0"), machine.bus().devices().front());
  EXPECT_EQ(machine.find_device("/peripheral/c0"), machine.find_device("c0"));
  EXPECT_EQ(machine.find_device("c1"), nullptr);
  EXPECT_EQ(machine.find_device(""), nullptr);
}

TEST_F(AddDeviceTest, SetsProperties) {
  EXPECT_EQ(add("add-card", "c0", "", {{"level", "7"}}), "/peripheral/c0");
  EXPECT_EQ(machine.find_device("c0")->get_property("level"), "7");
}

TEST_F(AddDeviceTest, RefusesAnUnknownType) {
  EXPECT_TRUE(add("nosuch").starts_with("nosuch: no installed module has such a device; "));
}

TEST_F(AddDeviceTest, RefusesAnUnknownProperty) {
  EXPECT_EQ(add("add-card", "", "", {{"colour", "red"}}),
            "add-card.colour: no such property; there are: level");
  EXPECT_TRUE(machine.bus().devices().empty());
}

TEST_F(AddDeviceTest, RefusesABadValue) {
  EXPECT_EQ(add("add-card", "", "", {{"level", "256"}}).find("add-card.level: '256': "), 0U);
  EXPECT_TRUE(machine.find("peripheral-anon")->children().empty());
}

TEST_F(AddDeviceTest, RefusesADuplicateId) {
  add("add-card", "c0");
  EXPECT_EQ(
      add("add-loose", "c0"),
      "id 'c0' is in use already, by a device of type add-card; give each device an id of its own");
}

TEST_F(AddDeviceTest, RefusesAMalformedId) {
  for (const char* id : {"0x", "a/b", "a b", "-a", "[*]"})
    EXPECT_EQ(add("add-card", id),
              fmt::format("id '{}' is malformed: an id is a letter, then letters, digits, '-', "
                          "'.', '_'",
                          id));
}

TEST_F(AddDeviceTest, RefusesAnUnknownBus) {
  EXPECT_EQ(add("add-card", "", "pci.9"),
            "bus 'pci.9' does not exist; there are: test-bus.0 (test-bus)");
}

TEST_F(AddDeviceTest, RefusesABusOfAnotherType) {
  machine.add_child("narrow.0", std::make_unique<NarrowBus>());
  EXPECT_EQ(add("add-card", "", "narrow.0"),
            "bus 'narrow.0' is of type add-narrow-bus; add-card goes on a bus of type test-bus: "
            "there are: test-bus.0 (test-bus)");
}

TEST_F(AddDeviceTest, RefusesABusForADeviceWithoutOne) {
  EXPECT_EQ(add("add-loose", "", "test-bus.0"),
            "bus 'test-bus.0': add-loose sits on no bus; leave out bus=");
}

TEST_F(AddDeviceTest, SaysThatTheMachineHasNoSuchBus) {
  EXPECT_EQ(
      add("add-narrow-card"),
      "add-narrow-card goes on a bus of type add-narrow-bus, and machine test-machine has none; "
      "there are: test-bus.0 (test-bus)");
}

TEST_F(AddDeviceTest, FillsOneBusAfterTheOther) {
  machine.add_child("narrow.0", std::make_unique<NarrowBus>());
  machine.add_child("narrow.1", std::make_unique<NarrowBus>());
  add("add-narrow-card", "a");
  add("add-narrow-card", "b");
  EXPECT_EQ(machine.find_device("b")->bus()->child_name(), "narrow.1");
  EXPECT_EQ(add("add-narrow-card"),
            "no bus of type add-narrow-bus has room for another device: there are: narrow.0 "
            "(add-narrow-bus), narrow.1 (add-narrow-bus)");
  EXPECT_EQ(add("add-narrow-card", "", "narrow.1"), "bus 'narrow.1' is full: it takes no more");
}

TEST_F(AddDeviceTest, RefusesAnAbstractType) {
  EXPECT_EQ(add("device"), "'device' is an abstract type, which no device can have");
}

TEST_F(AddDeviceTest, RefusesATypeThatIsNotADevice) {
  EXPECT_EQ(add("null-accel"), "null-accel is not a device");
}

TEST_F(AddDeviceTest, RefusesAPartOfTheBoard) {
  EXPECT_EQ(add("add-board-part"),
            "add-board-part is part of other devices or of the board and cannot be added");
}

TEST_F(AddDeviceTest, RefusesToHotPlugWhatCannotBe) {
  machine.power_on();
  EXPECT_EQ(add("add-loose"), "add-loose cannot be added to a running machine");
  EXPECT_EQ(add("add-card"), "/peripheral-anon/device[0]");
}

TEST_F(AddDeviceTest, GlobalPropertiesComeBeforeTheDevicesOwn) {
  machine.add_global({"add-card", "level", "9"});
  add("add-card", "a");
  add("add-card", "b", "", {{"level", "1"}});
  EXPECT_EQ(machine.find_device("a")->get_property("level"), "9");
  EXPECT_EQ(machine.find_device("b")->get_property("level"), "1");
}

TEST_F(AddDeviceTest, KnowsWhichGlobalsNoDeviceTook) {
  machine.add_global({"add-card", "level", "9"});
  machine.add_global({"add-loose", "level", "7"});
  add("add-card", "a");
  const auto unused = machine.unused_globals();
  ASSERT_EQ(unused.size(), 1u);
  EXPECT_EQ(unused[0].type, "add-loose");
}

TEST_F(AddDeviceTest, WrongGlobalNamesItself) {
  machine.add_global({"add-card", "colour", "red"});
  EXPECT_EQ(add("add-card"),
            "-global add-card.colour=red: add-card.colour: no such property; there are: level");
}

}  // namespace
}  // namespace backplane
