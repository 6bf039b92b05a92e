// SPDX-License-Identifier: MIT
// Drivers that break the rules: the device asks for a reset and works again after one.
#include <functional>

#include "virtio_machine.h"

namespace backplane::testing {
namespace {

using namespace virtio;

struct Case {
  const char* name;
  std::function<void(DriverQueue&)> damage;
};

constexpr u64 kBuffer = 0x20'0000;
constexpr u64 kTable = 0x40'0000;
constexpr u64 kNowhere = 0xd000'0000;

void one(DriverQueue& queue, const Descriptor& d) {
  queue.set_descriptor(0, d);
  queue.make_available(0);
}

void table(DriverQueue& queue, u32 length, u64 address = kTable) {
  one(queue, {address, length, kIndirect, 0});
}

const Case kCases[] = {
    {"AHeadBeyondTheTable", [](DriverQueue& q) { q.make_available(16); }},
    {"AHugeHead", [](DriverQueue& q) { q.make_available(0xffff); }},
    {"AnIndexThatRanAway", [](DriverQueue& q) { q.set_avail_index(17); }},
    {"AnIndexThatWentBack", [](DriverQueue& q) { q.set_avail_index(0xffff); }},
    {"ADescriptorThatIsItsOwnNext",
     [](DriverQueue& q) {
       one(q, {kBuffer, 1, kNext, 0});
     }},
    {"ALoopOfTwo",
     [](DriverQueue& q) {
       q.set_descriptor(1, {kBuffer, 1, kNext, 0});
       one(q, {kBuffer, 1, kNext, 1});
     }},
    {"ANextBeyondTheTable",
     [](DriverQueue& q) {
       one(q, {kBuffer, 1, kNext, 16});
     }},
    {"ABufferOfLengthZero",
     [](DriverQueue& q) {
       one(q, {kBuffer, 0, 0, 0});
     }},
    {"ABufferNowhere",
     [](DriverQueue& q) {
       one(q, {kNowhere, 16, 0, 0});
     }},
    {"ABufferToWriteNowhere",
     [](DriverQueue& q) {
       one(q, {kNowhere, 16, kWrite, 0});
     }},
    {"ABufferThatLeavesRam",
     [](DriverQueue& q) {
       one(q, {16_MiB - 8, 16, 0, 0});
     }},
    {"ABufferOf4GiB",
     [](DriverQueue& q) {
       one(q, {0, ~u32{0}, 0, 0});
     }},
    {"ABufferThatWrapsAround",
     [](DriverQueue& q) {
       one(q, {~u64{0} - 7, 16, 0, 0});
     }},
    {"ABufferAtTheLastByte",
     [](DriverQueue& q) {
       one(q, {~u64{0}, 1, kWrite, 0});
     }},
    {"BuffersToReadAfterOnesToWrite",
     [](DriverQueue& q) {
       q.set_descriptor(1, {kBuffer, 4, 0, 0});
       one(q, {kBuffer, 4, kWrite | kNext, 1});
     }},
    {"AnIndirectTableOfLengthZero", [](DriverQueue& q) { table(q, 0); }},
    {"AnIndirectTableOfAnOddLength", [](DriverQueue& q) { table(q, 17); }},
    {"AnIndirectTableNowhere", [](DriverQueue& q) { table(q, 32, kNowhere); }},
    {"AnIndirectTableThatLeavesRam", [](DriverQueue& q) { table(q, 32, 16_MiB - 16); }},
    {"AHugeIndirectTable", [](DriverQueue& q) { table(q, 0xffff'fff0); }},
    {"AnIndirectDescriptorWithANext",
     [](DriverQueue& q) {
       one(q, {kTable, 16, kIndirect | kNext, 1});
     }},
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class HostileQueue : public EchoTest, public ::testing::WithParamInterface<Case> {
 protected:
  HostileQueue() : EchoTest(kModern | bit(kIndirectDesc)) {}
};

TEST_P(HostileQueue, AsksForAResetAndRecovers) {
  GetParam().damage(queue_);
  driver_.kick(0);
  EXPECT_TRUE(broken());
  EXPECT_EQ(queue_.used_index(), 0);
  EXPECT_EQ(mail(0), 0x500U) << "a configuration change notification";

  // Nothing more is served, whatever the driver adds.
  queue_ = DriverQueue(machine_.memory(), kRing, EchoDevice::kQueueSize);
  queue_.add({{kData, 4}}, {});
  driver_.kick(0);
  EXPECT_EQ(echo_.served, 0U);

  ASSERT_TRUE(driver_.negotiate(kModern));
  EXPECT_FALSE(broken());
  driver_.set_up_queue(0, queue_);
  driver_.driver_ok();
  EXPECT_EQ(echo_.served, 1U);
}

INSTANTIATE_TEST_SUITE_P(Cases, HostileQueue, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(EchoTest, AnIndirectDescriptorThatWasNotNegotiatedIsRefused) {
  queue_.add_indirect(kTable, {{kData, 4}}, {});
  driver_.kick(0);
  EXPECT_TRUE(broken());
}

class NestedIndirect : public EchoTest {
 protected:
  NestedIndirect() : EchoTest(kModern | bit(kIndirectDesc)) {}
};

TEST_F(NestedIndirect, IsRefused) {
  const Descriptor inner{kTable + 0x100, 16, kIndirect, 0};
  machine_.memory().write(kTable, &inner, sizeof inner);
  table(queue_, 16);
  driver_.kick(0);
  EXPECT_TRUE(broken());
}

TEST_F(NestedIndirect, ALoopInATableIsRefused) {
  const Descriptor loop{kData, 1, kNext, 0};
  machine_.memory().write(kTable, &loop, sizeof loop);
  table(queue_, 16 * 64);
  driver_.kick(0);
  EXPECT_TRUE(broken());
}

TEST_F(NestedIndirect, AVeryLongChainIsRefused) {
  for (u32 i = 0; i < 5000; ++i) {
    const Descriptor d{kData, 1, kNext, static_cast<u16>(i + 1)};
    machine_.memory().write(kTable + 16 * u64{i}, &d, sizeof d);
  }
  table(queue_, 16 * 5001);
  driver_.kick(0);
  EXPECT_TRUE(broken());
}

TEST_F(EchoTest, RingsOutsideRamOrUnalignedAreRefused) {
  for (const u64 address : {u64{0xd000'0000}, 16_MiB - 64, kRing + 1, ~u64{0} - 15, u64{4}}) {
    ASSERT_TRUE(driver_.negotiate(kModern));
    DriverQueue queue(machine_.memory(), address, EchoDevice::kQueueSize);
    driver_.set_up_queue(0, queue);
    driver_.driver_ok();
    EXPECT_TRUE(broken()) << address;
  }
  EXPECT_EQ(echo_.served, 0U);
}

TEST_F(EchoTest, AUsedRingInRomIsRefused) {
  auto block = std::make_shared<RamBlock>("rom", 4_KiB);
  const auto rom = MemoryRegion::rom("rom", block, 0, 4_KiB);
  machine_.memory_root().add_subregion(0xf000'0000, *rom);
  ASSERT_TRUE(driver_.negotiate(kModern));
  DriverQueue queue(machine_.memory(), 0xf000'0000, EchoDevice::kQueueSize);
  driver_.set_up_queue(0, queue);
  driver_.driver_ok();
  EXPECT_TRUE(broken());
}

TEST_F(EchoTest, RamThatMovesUnderTheRingsIsNoticed) {
  auto block = std::make_shared<RamBlock>("more", 64_KiB);
  auto more = MemoryRegion::ram("more", block, 0, 64_KiB);
  machine_.memory_root().add_subregion(0xf000'0000, *more);
  ASSERT_TRUE(driver_.negotiate(kModern));
  DriverQueue queue(machine_.memory(), 0xf000'0000, EchoDevice::kQueueSize);
  driver_.set_up_queue(0, queue);
  driver_.driver_ok();
  queue.add({{kData, 4}}, {});
  driver_.kick(0);
  EXPECT_EQ(echo_.served, 1U);
  more.reset();
  driver_.kick(0);
  EXPECT_TRUE(broken());
  EXPECT_EQ(echo_.served, 1U);
}

}  // namespace
}  // namespace backplane::testing
