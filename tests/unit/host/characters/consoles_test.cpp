// SPDX-License-Identifier: MIT
#include "characters/consoles.h"

#include <gtest/gtest.h>

#include "backplane/chardev.h"
#include "backplane/testing/test_machine.h"
#include "command_line.h"

namespace backplane::host {
namespace {

// A machine with serial ports.
class PortsMachine final : public backplane::testing::TestMachine {
 public:
  static void class_init(MachineClass& k) {
    k.default_serial = "test-port";
    k.stateless();
  }
};
BACKPLANE_TYPE(PortsMachine, "ports-test-machine")

class ConsolesTest : public ::testing::Test {
 protected:
  Consoles open(const std::string& options) {
    return open_consoles(backends_, machine_, Asked("-nodefaults " + options).configuration);
  }
  Chardev& chardev(const std::string& id) { return dynamic_cast<Chardev&>(*backends_.find(id)); }

  PortsMachine machine_;
  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
};

TEST_F(ConsolesTest, ASerialPortIsABackendAndADevice) {
  const Consoles consoles = open("-serial null -serial none -serial null");
  ASSERT_EQ(consoles.serials.size(), 2U);
  EXPECT_EQ(consoles.serials[0].driver, "test-port");
  EXPECT_EQ(consoles.serials[0].properties, (Properties{{"index", "0"}, {"chardev", "serial0"}}));
  EXPECT_EQ(consoles.serials[1].properties, (Properties{{"index", "2"}, {"chardev", "serial2"}}));
  EXPECT_EQ(chardev("serial2").describe(), "null");
}

TEST_F(ConsolesTest, MonSharesItsTerminalWithAMonitor) {
  const Consoles consoles = open("-serial mon:null");
  EXPECT_EQ(chardev("serial0").describe(), "null, shared");
  ASSERT_EQ(consoles.monitors.size(), 1U);
  EXPECT_EQ(consoles.monitors[0].chardev, "serial0");
}

TEST_F(ConsolesTest, AMonitorHasABackend) {
  const Consoles consoles = open("-monitor null");
  EXPECT_TRUE(consoles.serials.empty());
  ASSERT_EQ(consoles.monitors.size(), 1U);
  EXPECT_EQ(consoles.monitors[0].chardev, "monitor0");
}

TEST_F(ConsolesTest, ANamedOneIsUsedAsItIs) {
  const Consoles consoles =
      open("-chardev null,id=a -chardev null,id=b,mux=on -serial chardev:a -monitor chardev:b");
  EXPECT_EQ(consoles.serials[0].properties.back().second, "a");
  EXPECT_EQ(consoles.monitors[0].chardev, "b");
  EXPECT_EQ(chardev("b").describe(), "null, shared");
}

TEST_F(ConsolesTest, WhatIsWrongIsSaid) {
  EXPECT_EQ(message_of([&] { open("-chardev null"); }),
            "-chardev null: id is missing: expects a name to refer to the device by");
  EXPECT_EQ(message_of([&] { open("-chardev id=a"); }),
            "-chardev id=a: the kind is missing: -chardev help lists those there are");
  EXPECT_EQ(message_of([&] { open("-chardev null,id=a,mux=2"); }),
            "-chardev null,id=a,mux=2: mux='2': expects on or off");
  EXPECT_EQ(message_of([&] { open("-serial chardev:nosuch"); }),
            "-serial chardev:nosuch: no -chardev has id=nosuch");
}

}  // namespace
}  // namespace backplane::host
