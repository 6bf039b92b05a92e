// SPDX-License-Identifier: MIT
// A TAP interface in a network of the test's own, which the host's kernel is at the other end of.
#include "tap_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <span>
#include <thread>

#include "backplane/io_thread.h"
#include "backplane/testing/test_machine.h"

namespace backplane::testing {
namespace {

constexpr u16 kOwnType = 0x88b5;  // "Local Experimental Ethertype 1"

std::vector<u8> own_frame(std::size_t size) {
  std::vector<u8> frame(size, 0x5a);
  std::fill_n(frame.begin(), 6, u8{0xff});
  frame[6] = 0x02;
  frame[12] = kOwnType >> 8;
  frame[13] = kOwnType & 0xff;
  return frame;
}

bool is_own(const std::vector<u8>& frame) {
  return frame.size() > 14 && frame[12] == kOwnType >> 8 && frame[13] == (kOwnType & 0xff);
}

constexpr Kind kObjectKind{
    .base = "backend", .prefix = "", .suffix = "", .noun = "backend", .option = "-object"};

struct Guest final : NetClient {
  bool receive(std::span<const u8> frame) override {
    frames.emplace_back(frame.begin(), frame.end());
    return true;
  }
  bool has_own() const { return std::any_of(frames.begin(), frames.end(), is_own); }
  std::vector<std::vector<u8>> frames;
};

class TapNetworkTest : public ::testing::Test {
 protected:
  TapNetworkTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))) {}
  ~TapNetworkTest() override {
    if (network_ != nullptr) network_->set_client(nullptr);
    machine_.remove_child(backends_);
  }
  void SetUp() override {
    if (unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "no network of one's own: not permitted here";
    const int fd = ::open("/dev/net/tun", O_RDWR);
    if (fd < 0) GTEST_SKIP() << "/dev/net/tun: " << std::strerror(errno);
    close(fd);
  }

  using Properties = std::vector<std::pair<std::string, std::string>>;
  void start(const Properties& properties) {
    network_ = &dynamic_cast<Netdev&>(backends_.add(kNetdevKind, "tap", "net0", properties));
    network_->set_client(&guest_);
  }
  std::string refusal(const Properties& properties) {
    try {
      backends_.add(kNetdevKind, "tap", "wrong", properties);
    } catch (const Error& error) {
      return error.what();
    }
    return "was accepted";
  }
  // The kernel's side: brings the interface up and gives a socket for its frames.
  static int open_other_side(const std::string& name) {
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_UP;
    EXPECT_EQ(ioctl(fd, SIOCSIFFLAGS, &request), 0) << std::strerror(errno);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(name.c_str()));
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  TestMachine machine_;
  Backends& backends_;
  Netdev* network_ = nullptr;
  Guest guest_;
};

// Whether a frame that begins like this one comes out at the kernel's side, among those that the
// kernel sends of itself.
bool arrives(int other_side, std::span<const u8> frame, std::size_t beginning) {
  std::vector<u8> received(200);
  for (unsigned i = 0; i < 50; ++i) {
    const ssize_t size = recv(other_side, received.data(), received.size(), 0);
    if (size < 0) return false;
    if (static_cast<std::size_t>(size) == frame.size() &&
        std::equal(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(beginning),
                   received.begin()))
      return true;
  }
  return false;
}

// What the guest got and what it sends is with the lock of the loop that the network is in.
void pass_both_ways(Netdev& network, TestMachine& machine, Guest& guest, int other_side) {
  std::vector<u8> frame = own_frame(100);
  const iovec pieces[] = {{frame.data(), 40}, {frame.data() + 40, 60}};
  {
    const IoContext::Guard lock(network.loop());
    guest.frames.clear();
    network.transmit(pieces);
  }
  EXPECT_TRUE(arrives(other_side, frame, frame.size()));
  ASSERT_EQ(send(other_side, frame.data(), frame.size(), 0), 100);
  const auto arrived = [&] {
    const IoContext::Guard lock(network.loop());
    return guest.has_own();
  };
  if (&network.loop() == &machine.main_loop().io_context()) {
    EXPECT_TRUE(machine.run_main_loop_until(arrived));
  } else {
    // An I/O thread needs neither the main loop nor the machine lock, which is held here.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!arrived() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_TRUE(arrived());
  }
}

TEST_F(TapNetworkTest, FramesPassBothWays) {
  start({{"ifname", "guest0"}});
  EXPECT_EQ(network_->describe(), "tap guest0, offloads");
  const int other_side = open_other_side("guest0");
  pass_both_ways(*network_, machine_, guest_, other_side);
  close(other_side);
}

TEST_F(TapNetworkTest, FramesPassInAnIoThreadAndInTheMainLoopAgain) {
  start({{"ifname", "guest0"}, {"queues", "2"}});
  const int other_side = open_other_side("guest0");
  network_->serve_in(dynamic_cast<IoThread&>(backends_.add(kObjectKind, "iothread", "io0", {})));
  pass_both_ways(*network_, machine_, guest_, other_side);
  network_->serve_in(machine_.main_loop().io_context());
  pass_both_ways(*network_, machine_, guest_, other_side);
  close(other_side);
}

TEST_F(TapNetworkTest, FramesPassWithoutHeadersAndOnSeveralQueues) {
  start({{"vnet_hdr", "off"}, {"queues", "2"}});
  EXPECT_EQ(network_->describe(), "tap tap0, 2 queues");
  const int other_side = open_other_side("tap0");
  pass_both_ways(*network_, machine_, guest_, other_side);
  close(other_side);
}

// What is left to be done the kernel does, as soon as it needs it.
TEST_F(TapNetworkTest, TheKernelTakesOffloads) {
  start({{"ifname", "guest0"}});
  auto& offloading = dynamic_cast<OffloadNetdev&>(*network_);
  EXPECT_NE(offloading.receive_offloads() & kTcp4Offload, 0U);
  offloading.accept_offloads(offloading.receive_offloads());
  const int other_side = open_other_side("guest0");
  std::vector<u8> frame = own_frame(100);
  const FrameOffload left{
      .flags = FrameOffload::kNeedsChecksum, .checksum_start = 40, .checksum_offset = 20};
  const iovec piece{frame.data(), frame.size()};
  network_->transmit(left, {&piece, 1});
  EXPECT_TRUE(arrives(other_side, frame, 40));  // up to the checksum
  close(other_side);
}

TEST_F(TapNetworkTest, ScriptsAreRunWithTheInterfacesName) {
  const std::string work = ::testing::TempDir() + "backplane-tap-" + std::to_string(getpid());
  std::ofstream(work) << "#!/bin/sh\necho \"$1\" >>" << work << ".log\n";
  ASSERT_EQ(chmod(work.c_str(), 0700), 0);
  start({{"ifname", "guest0"}, {"script", work}, {"downscript", work}});
  network_->set_client(nullptr);
  network_ = nullptr;
  backends_.remove("net0");
  std::ifstream log(work + ".log");
  const std::string said{std::istreambuf_iterator<char>(log), {}};
  EXPECT_EQ(said, "guest0\nguest0\n");
  EXPECT_EQ(refusal({{"script", "/bin/false"}}), "script=/bin/false: exited with status 1");
  EXPECT_TRUE(
      refusal({{"script", "/nonexistent"}}).starts_with("script=/nonexistent: cannot be run"));
  unlink((work + ".log").c_str());
  unlink(work.c_str());
}

TEST_F(TapNetworkTest, WhatIsWrongIsSaid) {
  EXPECT_EQ(refusal({{"vhost", "on"}}), "vhost=on is not here: expects vhost=off");
  EXPECT_EQ(refusal({{"queues", "0"}}), "queues=0: expects 1 to 127");
  EXPECT_EQ(refusal({{"fd", "3"}, {"fds", "3:4"}}), "fd= and fds= exclude each other");
  EXPECT_EQ(refusal({{"ifname", "a-name-that-is-too-long"}}),
            "ifname=a-name-that-is-too-long: expects at most 15 characters");
  EXPECT_EQ(refusal({{"fd", "3"}, {"script", "/bin/true"}}),
            "script= and downscript= are not for descriptors that are open already");
}

}  // namespace
}  // namespace backplane::testing
