// SPDX-License-Identifier: MIT
// A test machine with a PCI bus, and a virtio device that hands its requests to the test.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "backplane/pci/host_bridge.h"
#include "backplane/testing/test_machine.h"
#include "backplane/testing/virtio_driver.h"
#include "backplane/virtio/scatter_gather.h"
#include "backplane/virtio/virtio_device.h"
#include "backplane/virtio/virtio_pci.h"

namespace backplane::testing {

// Echoes: what it reads from a request's `out` buffers it writes into the `in` ones.
class EchoDevice : public VirtioDevice {
  BACKPLANE_OBJECT(EchoDevice, VirtioDevice, "virtio-echo-device")
 public:
  static constexpr u16 kQueueSize = 16;
  static void class_init(VirtioDeviceClass& k);
  unsigned config_size() const override { return 12; }
  void change_config() { notify_config(); }

  unsigned served = 0;
  bool hold = false;  // leave requests in the queue
  std::string tag_ = "none";

  void realize();

 protected:
  u64 device_features() const override { return virtio::bit(3); }
  void fill_config(std::span<u8> image) const override;
  void config_written(unsigned offset, u32 value, unsigned size) override;

 private:
  void serve(VirtQueue& queue);
  bool fail_ = false;
  struct State {
    u32 config_word = 0x1122'3344;
  };
  State state_;
  VirtElement element_;
};

using Properties = std::vector<std::pair<std::string, std::string>>;

class VirtioTest : public ::testing::Test {
 protected:
  static constexpr u64 kRing = 0x10'0000;
  static constexpr u64 kData = 0x20'0000;
  static constexpr u64 kMailbox = 0x30'0000;  // where MSI-X messages are stored
  static constexpr u64 kModern = virtio::bit(virtio::kVersion1);
  static constexpr unsigned kSlot = 4;

  VirtioTest() { machine_.create_device("pci-host-bridge"); }

  VirtioPci& add(const std::string& type, Properties properties = {}) {
    properties.emplace_back("addr", "04");
    return dynamic_cast<VirtioPci&>(machine_.add_device(type, "", "", properties));
  }
  void put(u64 address, const std::string& text) {
    machine_.memory().write(address, text.data(), text.size());
  }
  std::string get(u64 address, u64 size) {
    std::string text(size, '\0');
    machine_.memory().read(address, text.data(), size);
    return text;
  }
  u32 mail(unsigned vector) { return machine_.memory().load<u32>(kMailbox + 4 * u64{vector}); }

  TestMachine machine_;
};

// The echo device, negotiated, with queue 0 set up on vector 1 and configuration on vector 0.
class EchoTest : public VirtioTest {
 protected:
  explicit EchoTest(u64 features = kModern)
      : proxy_(add("virtio-echo-pci")),
        echo_(dynamic_cast<EchoDevice&>(proxy_.device())),
        driver_(machine_, kSlot),
        queue_(machine_.memory(), kRing, EchoDevice::kQueueSize) {
    driver_.pci().enable_msix(kMailbox, 0x500);
    EXPECT_TRUE(driver_.negotiate(features));
    driver_.set_common16(virtio::kConfigMsixVector, 0);
    driver_.set_up_queue(0, queue_, 1);
    driver_.driver_ok();
  }
  bool broken() { return (driver_.status() & virtio::kDeviceNeedsReset) != 0; }

  VirtioPci& proxy_;
  EchoDevice& echo_;
  VirtioPciDriver driver_;
  DriverQueue queue_;
};

}  // namespace backplane::testing
