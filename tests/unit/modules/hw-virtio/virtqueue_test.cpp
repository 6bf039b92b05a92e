// SPDX-License-Identifier: MIT
#include "virtio_machine.h"

namespace backplane::testing {

using namespace virtio;

void EchoDevice::class_init(VirtioDeviceClass& k) {
  k.virtio_id = 42;
  k.property<&EchoDevice::tag_>("tag", "a text");
  k.property<&EchoDevice::fail_>("fail", "refuse to be realized");
  k.state<&EchoDevice::state_>(1, {member<&State::config_word>("config_word")});
}

void EchoDevice::realize() {
  add_queue(kQueueSize, [this](VirtQueue& queue) { serve(queue); });
  add_queue(kQueueSize, [this](VirtQueue& queue) { serve(queue); });
  if (fail_) throw Error("fail=on was given");
}

void EchoDevice::fill_config(std::span<u8> image) const {
  put_config<u32>(image, 0, state_.config_word);
  put_config<u64>(image, 4, 0x8877'6655'4433'2211);
}

void EchoDevice::config_written(unsigned offset, u32 value, unsigned size) {
  if (offset == 0 && size == 4) state_.config_word = value;
}

void EchoDevice::serve(VirtQueue& queue) {
  if (hold) return;
  queue.for_each(element_, [&](const VirtElement& element) {
    std::vector<char> bytes(std::min(element.out_size, element.in_size));
    gather(element.out, 0, bytes.data(), bytes.size());
    scatter(element.in, 0, bytes.data(), bytes.size());
    queue.push(element, static_cast<u32>(bytes.size()));
    ++served;
    return true;
  });
  queue.notify();
}

BACKPLANE_REGISTER(EchoDevice)

namespace {

class EchoPci final : public VirtioPci {
 public:
  static void class_init(PciDeviceClass& k) { init_class(k, "virtio-echo-device", 0xff'00'00); }
  EchoPci() : VirtioPci("virtio-echo-device") {}
};
BACKPLANE_TYPE(EchoPci, "virtio-echo-pci")

TEST_F(EchoTest, ARequestComesBackWithWhatTheDeviceWrote) {
  put(kData, "hello, world");
  const u16 head = queue_.add({{kData, 12}}, {{kData + 0x1000, 20}});
  driver_.kick(0);
  const auto used = queue_.take_used();
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(used->id, head);
  EXPECT_EQ(used->length, 12U);
  EXPECT_EQ(get(kData + 0x1000, 12), "hello, world");
  EXPECT_EQ(mail(1), 0x501U);
}

TEST_F(EchoTest, BuffersMayBeCutAnywhere) {
  put(kData, "abcdefghijkl");
  queue_.add({{kData, 1}, {kData + 1, 4}, {kData + 5, 7}},
             {{kData + 0x1000, 2}, {kData + 0x2000, 9}, {kData + 0x3000, 1}});
  driver_.kick(0);
  ASSERT_TRUE(queue_.take_used().has_value());
  EXPECT_EQ(get(kData + 0x1000, 2) + get(kData + 0x2000, 9) + get(kData + 0x3000, 1),
            "abcdefghijkl");
}

TEST_F(EchoTest, ManyRequestsAreServedByOneKickAcrossTheRingsEnd) {
  for (int round = 0; round < 5; ++round) {
    for (unsigned i = 0; i < 7; ++i) queue_.add({{kData, 4}}, {{kData + 0x1000, 4}});
    driver_.kick(0);
    for (unsigned i = 0; i < 7; ++i) EXPECT_TRUE(queue_.take_used().has_value());
    EXPECT_FALSE(queue_.take_used().has_value());
  }
  EXPECT_EQ(echo_.served, 35U);
}

TEST_F(EchoTest, TheIndicesWrapAround) {
  for (unsigned i = 0; i < 70'000; ++i) {
    queue_.add({{kData, 4}}, {{kData + 0x1000, 4}});
    driver_.kick(0);
  }
  EXPECT_EQ(echo_.served, 70'000U);
  EXPECT_FALSE(broken());
}

TEST_F(EchoTest, NoInterruptIsSentToADriverThatAsksForNone) {
  queue_.set_avail_flags(kAvailNoInterrupt);
  queue_.add({{kData, 4}}, {});
  driver_.kick(0);
  EXPECT_TRUE(queue_.take_used().has_value());
  EXPECT_EQ(mail(1), 0U);
}

TEST_F(EchoTest, RequestsWaitUntilDriverOk) {
  ASSERT_TRUE(driver_.negotiate(kModern));
  driver_.set_up_queue(0, queue_);
  driver_.kick(0);
  queue_ = DriverQueue(machine_.memory(), kRing, EchoDevice::kQueueSize);
  queue_.add({{kData, 4}}, {});
  driver_.kick(0);
  EXPECT_EQ(echo_.served, 0U);
  driver_.driver_ok();
  EXPECT_EQ(echo_.served, 1U);
}

TEST_F(EchoTest, RequestsWaitForBusMastering) {
  const u16 command = driver_.pci().read16(pci::kCommand);
  driver_.pci().write16(pci::kCommand, command & ~pci::kCommandBusMaster);
  queue_.add({{kData, 4}}, {});
  driver_.kick(0);
  EXPECT_EQ(echo_.served, 0U);
  driver_.pci().write16(pci::kCommand, command);
  EXPECT_EQ(echo_.served, 1U);
}

TEST_F(EchoTest, AQueueMayBeSmallerThanTheDevicesLimit) {
  ASSERT_TRUE(driver_.negotiate(kModern));
  DriverQueue small(machine_.memory(), kRing, 2);
  driver_.set_up_queue(0, small);
  driver_.driver_ok();
  for (unsigned i = 0; i < 9; ++i) {
    small.add({{kData, 4}}, {{kData + 0x1000, 4}});
    driver_.kick(0);
    EXPECT_TRUE(small.take_used().has_value());
  }
}

class IndirectTest : public EchoTest {
 protected:
  IndirectTest() : EchoTest(kModern | bit(kIndirectDesc)) {}
};

TEST_F(IndirectTest, ATableOfDescriptorsTakesOneEntry) {
  put(kData, "indirect");
  queue_.add_indirect(0x40'0000, {{kData, 3}, {kData + 3, 5}}, {{kData + 0x1000, 8}});
  driver_.kick(0);
  ASSERT_TRUE(queue_.take_used().has_value());
  EXPECT_EQ(get(kData + 0x1000, 8), "indirect");
}

TEST_F(IndirectTest, ATableMayBeLongerThanTheQueue) {
  std::vector<Buffer> out;
  for (unsigned i = 0; i < 100; ++i) out.push_back({kData + i, 1});
  put(kData, std::string(100, 'x'));
  queue_.add_indirect(0x40'0000, out, {{kData + 0x1000, 100}});
  driver_.kick(0);
  EXPECT_EQ(queue_.take_used()->length, 100U);
}

class EventIdxTest : public EchoTest {
 protected:
  EventIdxTest() : EchoTest(kModern | bit(kEventIdx)) {}
};

TEST_F(EventIdxTest, AnInterruptComesWhenTheAskedForIndexIsPassed) {
  queue_.set_used_event(2);
  for (unsigned i = 0; i < 3; ++i) {
    queue_.add({{kData, 4}}, {});
    driver_.kick(0);
    // The first notification after a reset is always sent.
    EXPECT_EQ(mail(1), i == 1 ? 0U : 0x501U) << i;
    machine_.memory().store<u32>(kMailbox + 4, 0);
  }
}

TEST_F(EventIdxTest, TheDeviceAsksForTheNextBuffer) {
  for (unsigned i = 0; i < 3; ++i) queue_.add({{kData, 4}}, {});
  driver_.kick(0);
  EXPECT_EQ(queue_.avail_event(), 3);
}

}  // namespace
}  // namespace backplane::testing
