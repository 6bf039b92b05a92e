// SPDX-License-Identifier: MIT
// A test machine with a PCI bus, and a function with one BAR of each kind.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "backplane/pci/host_bridge.h"
#include "backplane/testing/pci_driver.h"
#include "backplane/testing/test_machine.h"

namespace backplane::testing {

class ProbeDevice : public PciDevice {
  BACKPLANE_OBJECT(ProbeDevice, PciDevice, "pci-probe")
 public:
  static void class_init(PciDeviceClass& k);
  void realize();

  u64 last_write = 0;

 private:
  u64 read(u64 offset, unsigned size);
  void write(u64 offset, u64 value, unsigned size);
};

class PciTest : public ::testing::Test {
 protected:
  PciTest() { bridge_ = dynamic_cast<PciHostBridge*>(&machine_.create_device("pci-host-bridge")); }

  ProbeDevice& add(const std::string& addr = {},
                   std::vector<std::pair<std::string, std::string>> properties = {}) {
    if (!addr.empty()) properties.emplace_back("addr", addr);
    return dynamic_cast<ProbeDevice&>(machine_.add_device("pci-probe", "", "", properties));
  }
  PciBus& bus() { return bridge_->pci_bus(); }

  TestMachine machine_;
  PciHostBridge* bridge_;
};

}  // namespace backplane::testing
