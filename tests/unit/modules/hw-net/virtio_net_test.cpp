// SPDX-License-Identifier: MIT
#include <chrono>
#include <thread>

#include "backplane/error.h"
#include "backplane/io_thread.h"
#include "backplane/machine_state.h"
#include "backplane/testing/scratch_directory.h"
#include "fake_network.h"
#include "virtio/net_device.h"
#include "virtio_machine.h"

namespace backplane::testing {
namespace {

using namespace virtio_net;

// One with several queues, that takes and gives frames with something left to be done.
class FakeOffloadNetwork final : public Netdev, public OffloadNetdev {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&FakeOffloadNetwork::queues_>("queues", "as many");
  }
  std::string describe() const override { return "a fake with offloads"; }
  void send(std::span<const iovec>) override { ++sent_whole; }
  void send_offloaded(const FrameOffload& left, std::span<const iovec>) override {
    sent.push_back(left);
  }
  unsigned receive_offloads() const override { return kChecksumOffload | kTcp4Offload; }
  void accept_offloads(unsigned kinds) override { accepted = kinds; }
  void arrive(const FrameOffload& left, const std::string& frame) {
    deliver(left, {reinterpret_cast<const u8*>(frame.data()), frame.size()});
  }
  unsigned sent_whole = 0;
  unsigned accepted = 0;
  std::vector<FrameOffload> sent;

 private:
  unsigned queues_ = 2;
};
BACKPLANE_TYPE(FakeOffloadNetwork, "net-fake-offload")

constexpr unsigned kRx = 0;
constexpr unsigned kTx = 1;
constexpr unsigned kControl = 2;
constexpr u64 kTxRing = 0x11'0000;
constexpr u64 kControlRing = 0x12'0000;
constexpr u16 kRingSize = 16;

std::string broadcast(std::size_t size, char fill = 'x') {
  return std::string(6, '\xff') + std::string(size - 6, fill);
}

constexpr Kind kObjectKind{
    .base = "backend", .prefix = "", .suffix = "", .noun = "backend", .option = "-object"};

// Served in the main loop, and (true) in an I/O thread.
class NetTest : public VirtioTest, public ::testing::WithParamInterface<bool> {
 protected:
  NetTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))),
        network_(dynamic_cast<FakeNetwork&>(backends_.add(kNetdevKind, "fake", "net0", {}))) {}

  void start(u64 features = kModern | virtio::bit(kMrgRxbuf) | virtio::bit(kCtrlVq)) {
    Properties properties{{"netdev", "net0"}, {"mac", "52:54:00:00:00:07"}};
    if (GetParam()) {
      thread_ = &dynamic_cast<IoThread&>(backends_.add(kObjectKind, "iothread", "io0", {}));
      properties.emplace_back("iothread", "io0");
    }
    card_ = &add("virtio-net-pci", properties);
    driver_.emplace(machine_, kSlot);
    ASSERT_TRUE(driver_->negotiate(features));
    rx_.emplace(machine_.memory(), kRing, kRingSize);
    tx_.emplace(machine_.memory(), kTxRing, kRingSize);
    control_.emplace(machine_.memory(), kControlRing, kRingSize);
    driver_->set_up_queue(kRx, *rx_);
    driver_->set_up_queue(kTx, *tx_);
    driver_->set_up_queue(kControl, *control_);
    driver_->driver_ok();
    machine_.run_control().start();
  }
  // Kicks a queue and waits until it was served.
  void kick(unsigned queue) {
    driver_->kick(queue);
    settle();
  }
  // Has an I/O thread look at what it was told: the second is posted after a round in which it did.
  void settle() {
    for (int round = 0; thread_ != nullptr && round < 2; ++round) {
      bool looked = false;
      thread_->post([&] { machine_.main_loop().post([&] { looked = true; }); });
      EXPECT_TRUE(machine_.run_main_loop_until([&] { return looked; }));
    }
  }
  u16 buffers_of_first_frame() { return machine_.memory().load<u16>(kData + 10); }
  bool broken() { return (driver_->status() & virtio::kDeviceNeedsReset) != 0; }

  Backends& backends_;
  FakeNetwork& network_;
  IoThread* thread_ = nullptr;
  VirtioPci* card_ = nullptr;
  std::optional<VirtioPciDriver> driver_;
  std::optional<DriverQueue> rx_;
  std::optional<DriverQueue> tx_;
  std::optional<DriverQueue> control_;
};

INSTANTIATE_TEST_SUITE_P(, NetTest, ::testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "InAnIoThread" : "InTheMainLoop");
});

TEST_P(NetTest, ShowsItsAddressAndALink) {
  start();
  EXPECT_EQ(driver_->config32(kMacField), 0x0000'5452U);
  EXPECT_EQ(driver_->config16(kMacField + 4), 0x0700U);
  EXPECT_EQ(driver_->config16(kStatusField), kLinkUp);
}

TEST_P(NetTest, WithoutANetworkTheLinkIsDownAndFramesAreTakenAllTheSame) {
  add("virtio-net-pci");
  VirtioPciDriver driver(machine_, kSlot);
  ASSERT_TRUE(driver.negotiate(kModern));
  EXPECT_EQ(driver.config16(kStatusField), 0);
  DriverQueue tx(machine_.memory(), kTxRing, kRingSize);
  driver.set_up_queue(kTx, tx);
  driver.driver_ok();
  tx.add({{kData, 100}}, {});
  driver.kick(kTx);
  EXPECT_TRUE(tx.take_used().has_value());
}

TEST_P(NetTest, ACableThatIsPulledOutCarriesNothing) {
  start();
  card_->set_property("link", "off");
  EXPECT_EQ(driver_->config16(kStatusField), 0);
  EXPECT_EQ(driver_->isr(), virtio::kIsrConfig);
  tx_->add({{kData, 100}}, {});
  kick(kTx);
  EXPECT_TRUE(tx_->take_used().has_value());
  EXPECT_TRUE(network_.sent.empty());
  rx_->add({}, {{kData, 2048}});
  kick(kRx);
  network_.arrive(broadcast(60));
  EXPECT_FALSE(rx_->take_used().has_value());
  card_->set_property("link", "on");
  EXPECT_EQ(driver_->config16(kStatusField), kLinkUp);
  network_.arrive(broadcast(60));
  EXPECT_TRUE(rx_->take_used().has_value());
}

TEST_P(NetTest, ProgramsAreToldOfItsFilter) {
  start();
  VirtioNet& device = *objects_offering<VirtioNet>(machine_).front();
  const Value filters = machine_.call(device, "query-rx-filter");
  ASSERT_EQ(filters.as_list().size(), 1U);
  const Value& filter = filters.as_list().front();
  EXPECT_EQ(*filter.find("main-mac"), Value("52:54:00:00:00:07"));
  const auto of = [&](const Value& name) {
    return machine_.call(device, "query-rx-filter", Value::Record{{"name", name}});
  };
  EXPECT_EQ(of(*filter.find("name")), filters);
  EXPECT_THROW(of("other"), Error);
  EXPECT_THROW(of(5), Error);
}

TEST_P(NetTest, SendsWhatFollowsTheHeader) {
  start();
  put(kData + 12, "destination, ");
  put(kData + 0x1000, "payload");
  tx_->add({{kData, 25}, {kData + 0x1000, 7}}, {});
  kick(kTx);
  EXPECT_EQ(network_.sent, std::vector<std::string>{"destination, payload"});
  EXPECT_TRUE(tx_->take_used().has_value());
}

TEST_P(NetTest, AFrameWithoutAHeaderBreaksTheDevice) {
  start();
  tx_->add({{kData, 11}}, {});
  kick(kTx);
  EXPECT_TRUE(broken());
  EXPECT_TRUE(network_.sent.empty());
}

TEST_P(NetTest, AFrameLargerThanAnyIsDropped) {
  start();
  tx_->add({{kData, 12 + Netdev::kMaxFrame + 1}}, {});
  kick(kTx);
  EXPECT_TRUE(tx_->take_used().has_value());
  EXPECT_TRUE(network_.sent.empty());
}

TEST_P(NetTest, ReceivesIntoOneBuffer) {
  start();
  rx_->add({}, {{kData, 2048}});
  kick(kRx);
  network_.arrive(broadcast(60));
  EXPECT_EQ(rx_->take_used()->length, 72U);
  EXPECT_EQ(get(kData + 12, 60), broadcast(60));
  EXPECT_EQ(buffers_of_first_frame(), 1);
}

TEST_P(NetTest, ReceivesIntoSeveralBuffersOfWhichAllButTheLastAreFull) {
  start();
  for (u64 i = 0; i < 3; ++i) rx_->add({}, {{kData + i * 0x1000, 100}});
  kick(kRx);
  network_.arrive(broadcast(200, 'm'));
  EXPECT_EQ(rx_->take_used()->length, 100U);
  EXPECT_EQ(rx_->take_used()->length, 100U);
  EXPECT_EQ(rx_->take_used()->length, 12U);
  EXPECT_EQ(buffers_of_first_frame(), 3);
  EXPECT_EQ(get(kData + 12, 88) + get(kData + 0x1000, 100) + get(kData + 0x2000, 12),
            broadcast(200, 'm'));
}

TEST_P(NetTest, AFrameForWhichThereIsNoRoomWaitsAndNoBufferIsLost) {
  start();
  rx_->add({}, {{kData, 100}});
  kick(kRx);
  network_.arrive(broadcast(150, 'w'));
  EXPECT_FALSE(rx_->take_used().has_value());
  rx_->add({}, {{kData + 0x1000, 100}});
  kick(kRx);
  EXPECT_EQ(rx_->take_used()->id, 0U);
  EXPECT_EQ(rx_->take_used()->id, 1U);
  EXPECT_EQ(get(kData + 12, 88) + get(kData + 0x1000, 62), broadcast(150, 'w'));
}

TEST_P(NetTest, AsksForAKickWhenItRunsOutOfBuffers) {
  start(kModern | virtio::bit(kMrgRxbuf) | virtio::bit(virtio::kEventIdx));
  rx_->add({}, {{kData, 2048}});
  kick(kRx);
  network_.arrive(broadcast(60));
  network_.arrive(broadcast(60));
  // What is made available next is what it wants to hear of.
  EXPECT_EQ(rx_->avail_event(), 1);
}

TEST_P(NetTest, NothingReachesAGuestThatStandsStill) {
  start();
  rx_->add({}, {{kData, 2048}});
  kick(kRx);
  machine_.run_control().stop();
  network_.arrive(broadcast(60));
  EXPECT_FALSE(rx_->take_used().has_value());
  machine_.run_control().start();
  machine_.run_main_loop();
  EXPECT_TRUE(rx_->take_used().has_value());
}

TEST_P(NetTest, ABufferTooSmallForAFrameBreaksADriverThatCannotMerge) {
  start(kModern);
  rx_->add({}, {{kData, 100}});
  kick(kRx);
  network_.arrive(broadcast(150));
  EXPECT_TRUE(broken());
}

TEST_P(NetTest, ABufferTooSmallForAHeaderBreaksTheDevice) {
  start();
  rx_->add({}, {{kData, 4}});
  rx_->add({}, {{kData, 2048}});
  kick(kRx);
  network_.arrive(broadcast(60));
  EXPECT_TRUE(broken());
}

TEST_P(NetTest, CommandsAreAnswered) {
  start();
  put(kData, std::string("\0\0\1", 3));  // promiscuous, on
  control_->add({{kData, 2}, {kData + 2, 1}}, {{kData + 0x1000, 1}});
  put(kData + 0x100, std::string("\7\0\1", 3));  // no such class
  control_->add({{kData + 0x100, 3}}, {{kData + 0x1001, 1}});
  put(kData + 0x1000, "??");
  kick(kControl);
  EXPECT_EQ(control_->take_used()->length, 1U);
  EXPECT_EQ(get(kData + 0x1000, 2), std::string("\0\1", 2));
  rx_->add({}, {{kData, 2048}});
  kick(kRx);
  network_.arrive(std::string(60, '\x02'));  // to somebody else
  EXPECT_TRUE(rx_->take_used().has_value());
}

TEST_P(NetTest, AResetForgetsWhatTheDriverSet) {
  start();
  put(kData, std::string("\1\1\x52\x54\0\0\0\x09", 8));  // another address
  control_->add({{kData, 8}}, {{kData + 0x1000, 1}});
  kick(kControl);
  EXPECT_EQ(driver_->config16(kMacField + 4), 0x0900U);
  driver_->set_status(0);
  EXPECT_EQ(driver_->config16(kMacField + 4), 0x0700U);
}

TEST_P(NetTest, CardsWithoutAnAddressGetDifferentOnes) {
  const auto address = [&](const char* slot) {
    return machine_.add_device("virtio-net-pci", "", "", {{"addr", slot}}).get_property("mac");
  };
  EXPECT_EQ(address("05"), "52:54:00:12:34:56");
  EXPECT_EQ(address("06"), "52:54:00:12:34:57");
}

TEST_P(NetTest, OneNetworkHasOneCard) {
  start();
  EXPECT_THROW(machine_.add_device("virtio-net-pci", "", "", {{"addr", "05"}, {"netdev", "net0"}}),
               Error);
}

TEST_P(NetTest, QueueSizesAndMtuAreChecked) {
  for (const Properties& wrong :
       {Properties{{"rx_queue_size", "3"}}, Properties{{"tx_queue_size", "2048"}},
        Properties{{"host_mtu", "67"}}, Properties{{"mac", "01:00:00:00:00:00"}}})
    EXPECT_THROW(add("virtio-net-pci", wrong), Error) << wrong.front().first;
}

TEST_P(NetTest, SaysWhatItIsToldOfItsSpeed) {
  add("virtio-net-pci", {{"speed", "10000"}, {"duplex", "full"}});
  VirtioPciDriver driver(machine_, kSlot);
  EXPECT_NE(driver.device_features() & virtio::bit(kSpeedDuplex), 0U);
  EXPECT_EQ(driver.config32(kSpeed), 10000U);
  EXPECT_EQ(driver.config8(kDuplex), kFullDuplex);
  EXPECT_THROW(machine_.add_device("virtio-net-pci", "", "", {{"duplex", "quarter"}}), Error);
  EXPECT_THROW(machine_.add_device("virtio-net-pci", "", "", {{"speed", "-2"}}), Error);
}

// IPv4 and TCP, of 1000 bytes, in segments of 400.
std::string large_frame() {
  std::string frame(14 + 20 + 20 + 1000, 'p');
  frame.replace(12, 4, std::string("\x08\x00\x45\x00", 4));
  frame[34 + 12] = '\x50';
  return frame;
}
FrameOffload large_frame_left() {
  return {.flags = FrameOffload::kNeedsChecksum,
          .segmentation = FrameOffload::kTcp4,
          .header_size = 54,
          .segment_size = 400,
          .checksum_start = 34,
          .checksum_offset = 16};
}

TEST_P(NetTest, DividesWhatTheNetworkDoesNot) {
  start(kModern | virtio::bit(kCsum) | virtio::bit(kHostTso4));
  const FrameOffload left = large_frame_left();
  machine_.memory().write(kData, &left, sizeof left);
  put(kData + 12, large_frame());
  tx_->add({{kData, 12 + 1054}}, {});
  kick(kTx);
  ASSERT_EQ(network_.sent.size(), 3U);
  EXPECT_EQ(network_.sent[0].size(), 454U);
  EXPECT_EQ(network_.sent[2].size(), 254U);
}

TEST_P(NetTest, WhatWasNotAgreedOnIsNotDone) {
  start(kModern | virtio::bit(kCsum));
  const FrameOffload left = large_frame_left();
  machine_.memory().write(kData, &left, sizeof left);
  put(kData + 12, large_frame());
  tx_->add({{kData, 12 + 1054}}, {});
  kick(kTx);
  EXPECT_TRUE(tx_->take_used().has_value());
  EXPECT_TRUE(network_.sent.empty());
}

class IoThreadNetTest : public NetTest {
 protected:
  // Without giving the machine lock up.
  template <class Condition>
  void wait_until(Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_TRUE(holds());
  }
  // Has a frame sent, and its interrupt left to be raised under the machine lock.
  void sent_but_not_told() {
    tx_->add({{kData, 100}}, {});
    driver_->kick(kTx);
    wait_until([this] { return tx_->used_index() == 1; });
    // Whoever gets its lock finds it through with what wrote the index.
    const IoContext::Guard lock(*thread_);
  }
};
INSTANTIATE_TEST_SUITE_P(, IoThreadNetTest, ::testing::Values(true));

TEST_P(IoThreadNetTest, TheMachineLockIsNobodysBusiness) {
  start();
  sent_but_not_told();
  EXPECT_EQ(network_.sent.size(), 1U);
  EXPECT_EQ(driver_->isr() & virtio::kIsrQueue, 0);
  settle();
  EXPECT_EQ(driver_->isr() & virtio::kIsrQueue, virtio::kIsrQueue);
}

// A driver that has the next frame whenever one is sent is served again when others had their turn.
TEST_P(IoThreadNetTest, WhatIsLeftForLaterNeedsNoMachineLockEither) {
  constexpr unsigned kFrames = 2000;
  start();
  std::atomic<unsigned> sent{0};
  network_.sending = [&] {
    if (++sent < kFrames) tx_->add({{kData, 100}}, {});
  };
  tx_->set_avail_flags(virtio::kAvailNoInterrupt);  // which would need the machine lock
  tx_->add({{kData, 100}}, {});
  driver_->kick(kTx);
  wait_until([&] { return sent == kFrames; });
}

TEST_P(IoThreadNetTest, NothingIsServedLaterOfACardThatIsTakenAway) {
  start();
  std::atomic<unsigned> sent{0};
  network_.sending = [&] {
    ++sent;
    tx_->add({{kData, 100}}, {});
  };
  tx_->set_avail_flags(virtio::kAvailNoInterrupt);
  tx_->add({{kData, 100}}, {});
  driver_->kick(kTx);
  wait_until([&] { return sent > 1000; });
  machine_.remove_device(*card_);
  const unsigned before = sent;
  settle();
  EXPECT_EQ(sent, before);
}

TEST_P(IoThreadNetTest, RestsWhileTheMachineIsStopped) {
  start();
  machine_.run_control().stop();
  tx_->add({{kData, 100}}, {});
  kick(kTx);
  EXPECT_TRUE(network_.sent.empty());
  machine_.run_control().start();
  EXPECT_TRUE(machine_.run_main_loop_until([this] { return tx_->take_used().has_value(); }));
  EXPECT_EQ(network_.sent.size(), 1U);
}

TEST_P(IoThreadNetTest, AMachineThatHasStoppedHasItsInterrupts) {
  start();
  sent_but_not_told();
  machine_.run_control().stop();
  EXPECT_EQ(driver_->isr() & virtio::kIsrQueue, virtio::kIsrQueue);
}

TEST_P(IoThreadNetTest, NoInterruptComesAfterAReset) {
  start();
  sent_but_not_told();
  driver_->set_status(0);
  machine_.run_main_loop();
  EXPECT_EQ(driver_->isr() & virtio::kIsrQueue, 0);
}

TEST_P(IoThreadNetTest, ACardThatIsTakenAwayLeavesItsNetworkToTheMainLoop) {
  start();
  rx_->add({}, {{kData, 2048}});
  EXPECT_EQ(&network_.loop(), thread_);
  EXPECT_THROW(backends_.remove("io0"), Error);
  tx_->add({{kData, 100}}, {});
  driver_->kick(kTx);
  machine_.remove_device(*card_);
  EXPECT_EQ(&network_.loop(), &machine_.main_loop().io_context());
  network_.arrive(broadcast(60));
  backends_.remove("io0");
  EXPECT_FALSE(rx_->take_used().has_value());
}

TEST_P(IoThreadNetTest, TheStateOfTheDriverIsLoadedInTheThread) {
  const ScratchDirectory directory;
  machine_.power_on();
  start();
  tx_->add({{kData, 100}}, {});
  kick(kTx);
  save_machine(machine_, directory / "state");
  machine_.run_control().reset();
  load_machine(machine_, directory / "state");
  machine_.run_control().start();
  network_.sent.clear();
  tx_->add({{kData, 100}}, {});
  kick(kTx);
  EXPECT_EQ(network_.sent.size(), 1U);
}

TEST_P(IoThreadNetTest, ANetworkOfTheMainLoopsAloneIsRefused) {
  backends_.add(kObjectKind, "iothread", "io0", {});
  backends_.add(kNetdevKind, "fake-offload", "net1", {});
  try {
    add("virtio-net-pci", {{"netdev", "net1"}, {"iothread", "io0"}});
    ADD_FAILURE() << "it was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string_view(error.what())
                  .find("netdev=net1: the frames of a net-fake-offload "
                        "move in the main loop alone"),
              std::string_view::npos)
        << error.what();
  }
  backends_.remove("net1");
  backends_.remove("io0");
}

class OffloadNetTest : public VirtioTest {
 protected:
  static constexpr u64 kFeatures = kModern | virtio::bit(kMrgRxbuf) | virtio::bit(kCtrlVq) |
                                   virtio::bit(kMq) | virtio::bit(kCsum) | virtio::bit(kGuestCsum) |
                                   virtio::bit(kHostTso4) | virtio::bit(kGuestTso4) |
                                   virtio::bit(kCtrlGuestOffloads) | virtio::bit(kGuestAnnounce);
  OffloadNetTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))),
        network_(dynamic_cast<FakeOffloadNetwork&>(
            backends_.add(kNetdevKind, "fake-offload", "net0", {}))) {
    card_ = &add("virtio-net-pci", {{"netdev", "net0"}, {"mq", "on"}});
    driver_.emplace(machine_, kSlot);
  }
  void start(u64 features = kFeatures) {
    ASSERT_TRUE(driver_->negotiate(features));
    queues_.clear();
    for (unsigned i = 0; i < 5; ++i) {
      queues_.emplace_back(machine_.memory(), kRing + i * 0x1'0000, kRingSize);
      driver_->set_up_queue(i, queues_.back());
    }
    driver_->driver_ok();
    machine_.run_control().start();
  }
  u8 command(const std::string& text, unsigned queue = 4) {
    put(kData, text);
    queues_[queue].add({{kData, static_cast<u32>(text.size())}}, {{kData + 0x800, 1}});
    put(kData + 0x800, "?");
    driver_->kick(queue);
    return static_cast<u8>(get(kData + 0x800, 1)[0]);
  }
  // Adds a buffer to the queue of that pair.
  void add_buffer(unsigned pair) {
    queues_[2 * pair].add({}, {{kData + 0x1000 + pair * 0x1000, 0x1000}});
    driver_->kick(2 * pair);
  }

  Backends& backends_;
  FakeOffloadNetwork& network_;
  VirtioPci* card_ = nullptr;
  std::optional<VirtioPciDriver> driver_;
  std::vector<DriverQueue> queues_;
};

TEST_F(OffloadNetTest, OffersWhatTheNetworkCan) {
  const u64 features = driver_->device_features();
  EXPECT_NE(features & virtio::bit(kGuestTso4), 0U);
  EXPECT_EQ(features & virtio::bit(kGuestTso6), 0U);
  EXPECT_EQ(driver_->config16(kMaxVirtqueuePairs), 2);
}

TEST_F(OffloadNetTest, LeavesToTheNetworkWhatItTakes) {
  start();
  const FrameOffload left = large_frame_left();
  machine_.memory().write(kData, &left, sizeof left);
  put(kData + 12, large_frame());
  queues_[kTx].add({{kData, 12 + 1054}}, {});
  driver_->kick(kTx);
  ASSERT_EQ(network_.sent.size(), 1U);
  EXPECT_EQ(network_.sent[0].segment_size, 400);
}

TEST_F(OffloadNetTest, GivesTheDriverWhatItTakes) {
  start();
  EXPECT_EQ(network_.accepted, unsigned{kChecksumOffload | kTcp4Offload});
  add_buffer(0);
  network_.arrive(large_frame_left(), broadcast(1054));
  ASSERT_TRUE(queues_[kRx].take_used().has_value());
  EXPECT_EQ(machine_.memory().load<u8>(kData + 0x1000), FrameOffload::kNeedsChecksum);
  EXPECT_EQ(machine_.memory().load<u16>(kData + 0x1000 + 4), 400);

  EXPECT_EQ(command(std::string("\5\0\2\0\0\0\0\0\0\0", 10)), kOk);
  EXPECT_EQ(network_.accepted, unsigned{kChecksumOffload});
  EXPECT_EQ(command(std::string("\5\0\0\1\0\0\0\0\0\0", 10)), kError) << "TSO6";
  EXPECT_EQ(command(std::string("\5\0\2\0\0\0", 6)), kError) << "cut short";
  driver_->set_status(0);
  EXPECT_EQ(network_.accepted, 0U);
}

TEST_F(OffloadNetTest, AFrameGoesToThePairThatItsFlowIsSentOn) {
  start();
  EXPECT_EQ(command(std::string("\4\0\2\0", 4)), kOk);
  for (const char* wrong : {"\4\0\0\0", "\4\0\3\0"})
    EXPECT_EQ(command(std::string(wrong, 4)), kError);
  std::string frame = large_frame();
  put(kData, std::string(12, '\0') + frame);
  queues_[3].add({{kData, static_cast<u32>(12 + frame.size())}}, {});
  driver_->kick(3);
  add_buffer(0);
  add_buffer(1);
  frame.replace(0, 6, std::string(6, '\xff'));
  network_.arrive({}, frame);
  EXPECT_FALSE(queues_[0].take_used().has_value());
  EXPECT_TRUE(queues_[2].take_used().has_value());
  EXPECT_EQ(command(std::string("\4\0\1\0", 4)), kOk);
  network_.arrive({}, frame);
  EXPECT_TRUE(queues_[0].take_used().has_value());
}

TEST_F(OffloadNetTest, ADriverThatKnowsOfOnePairHasItsCommandsThere) {
  start(kModern | virtio::bit(kCtrlVq));
  EXPECT_EQ(command(std::string("\0\0\1", 3), 2), kOk);
}

TEST_F(OffloadNetTest, AfterItWasLoadedTheDriverIsAskedToAnnounceItself) {
  start();
  driver_->isr();
  static_cast<Device&>(card_->device()).loaded();
  EXPECT_EQ(driver_->config16(kStatusField), kLinkUp | kAnnounce);
  EXPECT_EQ(driver_->isr(), virtio::kIsrConfig);
  EXPECT_EQ(command(std::string("\3\0", 2)), kOk);
  EXPECT_EQ(driver_->config16(kStatusField), kLinkUp);
}

}  // namespace
}  // namespace backplane::testing
