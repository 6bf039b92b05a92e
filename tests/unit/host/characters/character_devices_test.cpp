// SPDX-License-Identifier: MIT
#include "characters/character_devices.h"

#include <gtest/gtest.h>

#include "backplane/testing/test_machine.h"
#include "command_line.h"

namespace backplane::host {
namespace {

class CharacterDevicesTest : public ::testing::Test {
 protected:
  void add(const std::string& text) { characters_.add_named(KeyValueList::parse(text, "backend")); }
  Chardev* open(const std::string& text, const std::string& id = "serial0") {
    return characters_.open({text, {}}, id);
  }

  backplane::testing::TestMachine machine_;
  CharacterDevices characters_{machine_.main_loop(), [] {}};
};

TEST_F(CharacterDevicesTest, NoneIsNoDevice) { EXPECT_EQ(open("none"), nullptr); }

TEST_F(CharacterDevicesTest, AShortFormMakesADeviceWithTheGivenId) {
  Chardev* const device = open("null");
  ASSERT_NE(device, nullptr);
  EXPECT_EQ(device->id(), "serial0");
  EXPECT_EQ(characters_.all().size(), 1U);
}

TEST_F(CharacterDevicesTest, MonMakesAFrontForAMonitorToo) {
  EXPECT_NE(open("mon:null"), nullptr);
  ASSERT_EQ(characters_.monitor_fronts().size(), 1U);
  EXPECT_EQ(characters_.monitor_fronts()[0]->id(), "serial0-monitor");
}

TEST_F(CharacterDevicesTest, ANamedDeviceIsUsedOnce) {
  add("null,id=a");
  EXPECT_EQ(open("chardev:a")->id(), "a");
  EXPECT_EQ(message_of([&] { open("chardev:a", "serial1"); }),
            "chardev a is used by serial0 already: mux=on lets several share it");
}

TEST_F(CharacterDevicesTest, AMultiplexedOneHasAFrontForEachUser) {
  add("null,id=a,mux=on");
  Chardev* const first = open("chardev:a");
  Chardev* const second = open("chardev:a", "monitor0");
  EXPECT_NE(first, second);
  EXPECT_EQ(second->id(), "monitor0");
}

struct Refused {
  const char* text;
  const char* message;
};
void PrintTo(const Refused& row, std::ostream* out) { *out << row.text; }

class BadChardev : public CharacterDevicesTest, public ::testing::WithParamInterface<Refused> {};

TEST_P(BadChardev, IsRefusedWithTheReason) {
  add("null,id=taken");
  EXPECT_EQ(message_of([&] { add(GetParam().text); }), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Options, BadChardev,
    ::testing::Values(Refused{"null", "id is missing: expects a name to refer to the device by"},
                      Refused{"id=a",
                              "the kind is missing: expects stdio, null, file, pty, "
                              "socket, ..."},
                      Refused{"null,id=taken", "id=taken: that name is taken by another -chardev"},
                      Refused{"null,id=a,mux=2", "mux='2': expects on or off"}));

TEST_F(CharacterDevicesTest, AnUnknownNameIsSaid) {
  EXPECT_EQ(message_of([&] { open("chardev:nosuch"); }), "no -chardev has id=nosuch");
}

}  // namespace
}  // namespace backplane::host
