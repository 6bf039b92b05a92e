// SPDX-License-Identifier: MIT
// Two machines' networks in one, and strangers at their sockets.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "backplane/io_thread.h"
#include "backplane/testing/test_machine.h"
#include "wire_network.h"

namespace backplane::testing {
namespace {

using Frame = std::vector<u8>;

constexpr Kind kObjectKind{
    .base = "backend", .prefix = "", .suffix = "", .noun = "backend", .option = "-object"};

struct Guest final : NetClient {
  bool receive(std::span<const u8> frame) override {
    frames.emplace_back(frame.begin(), frame.end());
    return true;
  }
  std::vector<Frame> frames;
};

class SocketNetworksTest : public ::testing::Test {
 protected:
  SocketNetworksTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))),
        path_(::testing::TempDir() + "backplane-net-" + std::to_string(getpid())) {}
  ~SocketNetworksTest() override {
    for (Netdev* const network : objects_offering<Netdev>(backends_)) leave_thread(*network);
    machine_.remove_child(backends_);
    unlink(path_.c_str());
    unlink((path_ + ".b").c_str());
  }

  using Properties = std::vector<std::pair<std::string, std::string>>;
  Netdev& add(const std::string& type, const std::string& id, const Properties& properties,
              Guest& guest) {
    auto& network = dynamic_cast<Netdev&>(backends_.add(kNetdevKind, type, id, properties));
    network.set_client(&guest);
    return network;
  }
  std::string refusal(const std::string& type, const Properties& properties) {
    try {
      backends_.add(kNetdevKind, type, "wrong", properties);
    } catch (const Error& error) {
      return error.what();
    }
    return "was accepted";
  }
  // What guests got and what they send is with the lock of the loop that the networks are in.
  void move_to_thread(Netdev& network) {
    if (machine_.find("/backends/io0") == nullptr)
      backends_.add(kObjectKind, "iothread", "io0", {});
    network.serve_in(dynamic_cast<IoThread&>(*machine_.find("/backends/io0")));
  }
  void leave_thread(Netdev& network) {
    network.serve_in(machine_.main_loop().io_context());
    network.set_client(nullptr);
  }
  static void send(Netdev& network, Frame frame) {
    const IoContext::Guard lock(network.loop());
    const iovec pieces[] = {{frame.data(), 10}, {frame.data() + 10, frame.size() - 10}};
    network.transmit(pieces);
  }
  void expect_passing(Netdev& a, Netdev& b) {
    for (const std::size_t size : {60U, 1514U, 20'000U}) {
      const Frame frame(size, static_cast<u8>(size));
      send(a, frame);
      EXPECT_EQ(next_frame(b, guest_b_), frame);
      send(b, frame);
      EXPECT_EQ(next_frame(a, guest_a_), frame);
    }
  }
  Frame next_frame(Netdev& network, Guest& guest) {
    Frame frame;
    EXPECT_TRUE(machine_.run_main_loop_until([&] {
      const IoContext::Guard lock(network.loop());
      if (guest.frames.empty()) return false;
      EXPECT_EQ(guest.frames.size(), 1U);
      frame = std::exchange(guest.frames, {}).front();
      return true;
    }));
    return frame;
  }
  // A program of another kind at the socket.
  int stranger() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  TestMachine machine_;
  Backends& backends_;
  std::string path_;
  Guest guest_a_;
  Guest guest_b_;
};

TEST_F(SocketNetworksTest, OneListensAndTheOtherConnects) {
  Netdev& a = add("socket", "a", {{"listen", "127.0.0.1:27631"}}, guest_a_);
  EXPECT_EQ(a.describe(), "listening at 127.0.0.1:27631");
  Netdev& b = add("socket", "b", {{"connect", "127.0.0.1:27631"}}, guest_b_);
  EXPECT_TRUE(
      machine_.run_main_loop_until([&] { return a.describe() == "connected at 127.0.0.1:27631"; }));
  expect_passing(a, b);
}

TEST_F(SocketNetworksTest, DatagramsGoToAPeer) {
  Netdev& a =
      add("socket", "a", {{"udp", "127.0.0.1:27633"}, {"localaddr", "127.0.0.1:27632"}}, guest_a_);
  Netdev& b =
      add("socket", "b", {{"udp", "127.0.0.1:27632"}, {"localaddr", "127.0.0.1:27633"}}, guest_b_);
  expect_passing(a, b);
}

TEST_F(SocketNetworksTest, StreamsHaveAddressesInParts) {
  Netdev& a =
      add("stream", "a", {{"server", "on"}, {"addr.type", "unix"}, {"addr.path", path_}}, guest_a_);
  Netdev& b = add("stream", "b", {{"addr.type", "unix"}, {"addr.path", path_}}, guest_b_);
  machine_.run_main_loop();
  expect_passing(a, b);
}

TEST_F(SocketNetworksTest, DatagramsHaveAddressesInParts) {
  Netdev& a = add("dgram", "a",
                  {{"local.type", "unix"},
                   {"local.path", path_},
                   {"remote.type", "unix"},
                   {"remote.path", path_ + ".b"}},
                  guest_a_);
  Netdev& b = add("dgram", "b",
                  {{"local.type", "unix"},
                   {"local.path", path_ + ".b"},
                   {"remote.type", "unix"},
                   {"remote.path", path_}},
                  guest_b_);
  expect_passing(a, b);
}

TEST_F(SocketNetworksTest, OneThatReconnectsFindsAPeerThatComesLater) {
  Netdev& b = add("stream", "b",
                  {{"addr.type", "unix"}, {"addr.path", path_}, {"reconnect-ms", "1"}}, guest_b_);
  EXPECT_TRUE(b.describe().starts_with("not connected"));
  Netdev& a =
      add("stream", "a", {{"server", "on"}, {"addr.type", "unix"}, {"addr.path", path_}}, guest_a_);
  EXPECT_TRUE(machine_.run_main_loop_until([&] {
    return b.describe().starts_with("connected") && a.describe().starts_with("connected");
  }));
  expect_passing(a, b);
}

TEST_F(SocketNetworksTest, InAnIoThreadPeersComeAndGo) {
  const Properties server{{"server", "on"}, {"addr.type", "unix"}, {"addr.path", path_}};
  Netdev& b = add("stream", "b",
                  {{"addr.type", "unix"}, {"addr.path", path_}, {"reconnect-ms", "1"}}, guest_b_);
  move_to_thread(b);
  for (unsigned round = 0; round < 3; ++round) {
    Netdev& a = add("stream", "a", server, guest_a_);
    move_to_thread(a);
    EXPECT_TRUE(machine_.run_main_loop_until([&] {
      return b.describe().starts_with("connected") && a.describe().starts_with("connected");
    }));
    expect_passing(a, b);
    leave_thread(a);
    backends_.remove("a");
  }
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return b.describe().starts_with("not"); }));
}

TEST_F(SocketNetworksTest, DatagramsPassInAnIoThread) {
  Netdev& a =
      add("socket", "a", {{"udp", "127.0.0.1:27635"}, {"localaddr", "127.0.0.1:27634"}}, guest_a_);
  Netdev& b =
      add("socket", "b", {{"udp", "127.0.0.1:27634"}, {"localaddr", "127.0.0.1:27635"}}, guest_b_);
  move_to_thread(a);
  expect_passing(a, b);
}

TEST_F(SocketNetworksTest, APeerThatSpeaksAnotherLanguageIsLeftAndTheNextOneServed) {
  Netdev& a =
      add("stream", "a", {{"server", "on"}, {"addr.type", "unix"}, {"addr.path", path_}}, guest_a_);
  const int wrong = stranger();
  ASSERT_EQ(write(wrong, "GET / HTTP/1.0\r\n\r\n", 18), 18);
  char byte = 0;
  EXPECT_TRUE(
      machine_.run_main_loop_until([&] { return recv(wrong, &byte, 1, MSG_DONTWAIT) == 0; }));
  close(wrong);
  EXPECT_TRUE(guest_a_.frames.empty());
  Netdev& b = add("stream", "b", {{"addr.type", "unix"}, {"addr.path", path_}}, guest_b_);
  machine_.run_main_loop();
  expect_passing(a, b);
}

TEST_F(SocketNetworksTest, AFrameMayArriveInPieces) {
  add("stream", "a", {{"server", "on"}, {"addr.type", "unix"}, {"addr.path", path_}}, guest_a_);
  const int peer = stranger();
  Frame bytes(4 + 60 + 2, 0);
  bytes[3] = 60;
  for (std::size_t at = 0; at < bytes.size(); at += 11) {
    ASSERT_GT(write(peer, &bytes[at], std::min<std::size_t>(11, bytes.size() - at)), 0);
    machine_.run_main_loop();
  }
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return !guest_a_.frames.empty(); }));
  EXPECT_EQ(guest_a_.frames, std::vector<Frame>{Frame(60)});
  close(peer);
}

TEST_F(SocketNetworksTest, WhatAPeerDoesNotTakeIsLostAndNoneIsCut) {
  Netdev& a =
      add("stream", "a", {{"server", "on"}, {"addr.type", "unix"}, {"addr.path", path_}}, guest_a_);
  const int peer = stranger();
  machine_.run_main_loop();
  for (unsigned i = 0; i < 1000; ++i) send(a, Frame(10'000, 7));
  Frame received;
  std::array<u8, 65536> part;
  for (unsigned idle = 0; idle < 100;) {
    machine_.run_main_loop();
    const ssize_t size = recv(peer, part.data(), part.size(), MSG_DONTWAIT);
    if (size > 0)
      received.insert(received.end(), part.begin(), part.begin() + size);
    else
      ++idle;
  }
  EXPECT_LT(received.size(), 1000U * 10'004);
  EXPECT_GT(received.size(), 0U);
  EXPECT_EQ(received.size() % 10'004, 0U);
  close(peer);
}

TEST_F(SocketNetworksTest, WhatIsWrongIsSaid) {
  EXPECT_EQ(refusal("socket", {}), "expects one of listen=, connect=, mcast=, udp= and fd=");
  EXPECT_EQ(refusal("socket", {{"listen", "80"}}), "'80' is no address: expects HOST:PORT");
  EXPECT_EQ(refusal("socket", {{"udp", "127.0.0.1:9"}}),
            "udp= expects localaddr=HOST:PORT, where frames arrive");
  EXPECT_EQ(refusal("socket", {{"mcast", "127.0.0.1:9"}}),
            "127.0.0.1:9 is no group's address: expects one of 224.0.0.0 to 239.255.255.255");
  EXPECT_EQ(refusal("socket", {{"connect", "127.0.0.1:27639"}}),
            "cannot connect to 127.0.0.1:27639: Connection refused");
  EXPECT_EQ(refusal("stream", {}), "addr.type is missing: expects inet, unix or fd");
  EXPECT_EQ(refusal("stream", {{"addr.type", "inet"}}), "addr.port is missing");
  EXPECT_EQ(refusal("dgram", {{"local.type", "unix"}, {"local.path", path_}}),
            "remote.type is missing: expects inet or unix");
}

}  // namespace
}  // namespace backplane::testing
