// SPDX-License-Identifier: MIT
// Keyboard, mouse and tablet as a driver finds and hears them.
#include "backplane/testing/state_check.h"
#include "input_device.h"
#include "virtio_machine.h"

namespace backplane::testing {
namespace {

using namespace virtio_input;

constexpr u16 kRingSize = 64;
constexpr u32 kEventSize = 8;

class VirtioInputTest : public VirtioTest {
 protected:
  void make(const std::string& type, Properties properties = {}) {
    VirtioPci& function = add("virtio-" + type + "-pci", std::move(properties));
    device_ = &dynamic_cast<VirtioInput&>(function.device());
    driver_.emplace(machine_, kSlot);
  }
  void start(unsigned buffers = kRingSize) {
    ASSERT_TRUE(driver_->negotiate(kModern));
    events_.emplace(machine_.memory(), kRing, kRingSize);
    status_.emplace(machine_.memory(), kRing + 0x1000, kRingSize);
    driver_->set_up_queue(kEventQueue, *events_);
    driver_->set_up_queue(kStatusQueue, *status_);
    driver_->driver_ok();
    machine_.run_control().start();
    offer(buffers);
  }
  void offer(unsigned buffers) {
    for (; buffers != 0; --buffers, ++offered_)
      events_->add({}, {{kData + u64{offered_ % kRingSize} * kEventSize, kEventSize}});
    driver_->kick(kEventQueue);
  }
  // What the driver has heard since the last time, as "type code value", and how many there were.
  std::string heard() {
    std::string text;
    while (const auto used = events_->take_used()) {
      EXPECT_EQ(used->length, kEventSize);
      WireEvent event{};
      machine_.memory().read(kData + u64{seen_++ % kRingSize} * kEventSize, &event, sizeof event);
      text += fmt::format("{} {} {}, ", event.type, event.code, static_cast<i32>(event.value));
    }
    return text;
  }
  std::string config(u8 select, u8 subsel) {
    driver_->set_config8(kSelect, select);
    driver_->set_config8(kSubsel, subsel);
    std::string bytes;
    for (unsigned n = 0; n < driver_->config8(kSize); ++n)
      bytes += static_cast<char>(driver_->config8(kUnion + n));
    return bytes;
  }
  bool can(u8 type, unsigned code) {
    const std::string bits = config(kEvBits, type);
    return code / 8 < bits.size() && (static_cast<u8>(bits[code / 8]) >> code % 8 & 1) != 0;
  }

  VirtioInput* device_ = nullptr;
  std::optional<VirtioPciDriver> driver_;
  std::optional<DriverQueue> events_, status_;
  unsigned offered_ = 0, seen_ = 0;
};

TEST_F(VirtioInputTest, EveryTypeSaysWhatItsStateIs) {
  EXPECT_EQ(types_without_state(), std::vector<std::string>{});
}

TEST_F(VirtioInputTest, AKeyboardSaysWhatItIs) {
  make("keyboard", {{"serial", "42"}});
  start();
  EXPECT_EQ(config(kIdName, 0), "virtio keyboard");
  EXPECT_EQ(config(kIdSerial, 0), "42");
  EXPECT_EQ(config(kIdDevids, 0), std::string("\x06\x00\x27\x06\x01\x00\x01\x00", 8));
  EXPECT_TRUE(can(kEvKey, 30));
  EXPECT_TRUE(can(kEvKey, 125));
  EXPECT_FALSE(can(kEvKey, kBtnLeft));
  EXPECT_TRUE(can(kEvRep, 0));
  EXPECT_TRUE(can(kEvLed, kLedCapsLock));
  EXPECT_EQ(config(kEvBits, kEvRel), "");
  EXPECT_EQ(config(kPropBits, 0), "");
  EXPECT_EQ(config(0x77, 0), "");
}

TEST_F(VirtioInputTest, ATabletSaysWhereItsAxesEnd) {
  make("tablet");
  start();
  EXPECT_TRUE(can(kEvAbs, kAbsX) && can(kEvAbs, kAbsY) && can(kEvKey, kBtnLeft));
  EXPECT_FALSE(can(kEvRel, kRelX));
  EXPECT_TRUE(can(kEvRel, kRelWheel));
  EXPECT_EQ(config(kAbsInfo, kAbsY),
            std::string("\0\0\0\0\xff\x7f\0\0", 8) + std::string(12, '\0'));
  EXPECT_EQ(config(kAbsInfo, 2), "");
}

TEST_F(VirtioInputTest, KeysAreHeardWithAReportBehindThem) {
  make("keyboard");
  start();
  Inputs inputs(machine_);
  inputs.key(30, true);
  inputs.sync();
  EXPECT_EQ(heard(), "1 30 1, 0 0 0, ");
  inputs.key(30, false);
  inputs.key(42, true);
  inputs.sync();
  EXPECT_EQ(heard(), "1 30 0, 1 42 1, 0 0 0, ");
  inputs.sync();
  EXPECT_EQ(heard(), "");
}

TEST_F(VirtioInputTest, AMouseMovesTurnsAndClicks) {
  make("mouse");
  start();
  Inputs inputs(machine_);
  EXPECT_FALSE(inputs.takes_position());
  inputs.move_by(-3, 0);
  inputs.button(PointerButton::Right, true);
  inputs.button(PointerButton::WheelDown, true);
  inputs.button(PointerButton::WheelDown, false);
  inputs.sync();
  EXPECT_EQ(heard(), "2 0 -3, 1 273 1, 2 8 -1, 0 0 0, ");
}

TEST_F(VirtioInputTest, ATabletIsWhereThePointerIs) {
  make("tablet");
  start();
  Inputs inputs(machine_);
  EXPECT_TRUE(inputs.takes_position());
  inputs.move_to(100, InputDevice::kMostPosition + 1);
  inputs.sync();
  EXPECT_EQ(heard(), "3 0 100, 3 1 32767, 0 0 0, ");
}

TEST_F(VirtioInputTest, NothingIsSaidBeforeTheDriverIsReady) {
  make("keyboard");
  EXPECT_FALSE(device_->listens());
  device_->key(30, true);
  device_->sync();
  start();
  EXPECT_TRUE(device_->listens());
  EXPECT_EQ(heard(), "");
}

TEST_F(VirtioInputTest, WhatHasNoBufferWaitsForOne) {
  make("keyboard");
  start(1);
  device_->key(30, true);
  device_->sync();
  EXPECT_EQ(heard(), "1 30 1, ");
  offer(4);
  EXPECT_EQ(heard(), "0 0 0, ");
}

TEST_F(VirtioInputTest, ADriverThatDoesNotTakeThemMissesTheLastOnes) {
  make("keyboard");
  start(0);
  for (unsigned n = 0; n < 10'000; ++n) {
    device_->key(static_cast<KeyCode>(1 + n % 100), true);
    device_->sync();
  }
  unsigned count = 0;
  for (unsigned n = 0; n < 100; ++n) {
    offer(kRingSize);
    const std::string text = heard();
    count += static_cast<unsigned>(std::count(text.begin(), text.end(), ','));
  }
  EXPECT_EQ(count, 512U);
}

TEST_F(VirtioInputTest, LightsAndNonsenseInTheStatusQueueAreTaken) {
  make("keyboard");
  start();
  put(kData + 0x1000, std::string("\x11\0\x01\0\x01\0\0\0", 8));
  status_->add({{kData + 0x1000, kEventSize}}, {});
  status_->add({{kData + 0x1000, 3}}, {});
  status_->add({}, {{kData + 0x1000, 8}});
  driver_->kick(kStatusQueue);
  unsigned taken = 0;
  while (status_->take_used()) ++taken;
  EXPECT_EQ(taken, 3U);
}

TEST_F(VirtioInputTest, AResetForgetsWhatWaits) {
  make("keyboard");
  start(0);
  device_->key(30, true);
  device_->sync();
  driver_->set_status(0);
  offered_ = seen_ = 0;
  start();
  EXPECT_EQ(heard(), "");
}

TEST_F(VirtioInputTest, AGuestThatStandsStillHearsItWhenItGoesOn) {
  make("keyboard");
  start();
  Inputs inputs(machine_);
  machine_.run_control().stop();
  inputs.key(30, true);
  inputs.sync();
  EXPECT_EQ(heard(), "") << "it may be being saved";
  machine_.run_control().start();
  EXPECT_EQ(heard(), "1 30 1, 0 0 0, ");
}

}  // namespace
}  // namespace backplane::testing
