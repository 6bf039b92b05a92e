// SPDX-License-Identifier: MIT
// Forwarded ports and addresses, by options and by commands.
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "guest_side.h"

namespace backplane::testing {
namespace {

// The other side of guestfwd.
class EchoChardev final : public Chardev {
 public:
  static void class_init(ObjectClass&) {}
  std::string describe() const override { return "an echo"; }
  void write(const u8* data, std::size_t size) override {
    received.append(reinterpret_cast<const char*>(data), size);
  }
  void say(const std::string& text) {
    ASSERT_GE(client()->can_receive(), text.size());
    client()->receive(reinterpret_cast<const u8*>(text.data()), text.size());
  }
  std::string received;
};
BACKPLANE_TYPE(EchoChardev, "chardev-guestfwd-echo")

constexpr u32 kForwarded = 0x0a00'0264;  // 10.0.2.100

class ForwardsTest : public UserNetworkTest {
 protected:
  void call(const char* command, const std::string& rule) {
    machine_.call(*network_, command, Value::Record{{"rule", rule}});
  }
  // A socket, or -1.
  static int connected_to(u16 port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    close(fd);
    return -1;
  }
  static bool is_listened_on(u16 port) {
    const int fd = connected_to(port);
    if (fd >= 0) close(fd);
    return fd >= 0;
  }
  // Sends data on a connection to the forwarded address.
  void say_to_forwarded(const std::string& text) {
    connect_to_forwarded();
    send_tcp(kForwarded, data_segment(2, text));
  }
  void connect_to_forwarded() {
    answers_for(kForwarded);
    {
      const IoContext::Guard lock(network_->loop());
      guest_.frames.clear();
    }
    send_tcp(kForwarded, tcp_segment(80, kSyn));
    const std::vector<u8> answer = arriving(IPPROTO_TCP);
    ASSERT_FALSE(answer.empty());
    ASSERT_EQ(answer[kTransport + 13], kSyn | kAck);
    theirs_ =
        static_cast<u32>(load16(answer, kTransport + 4) << 16) | load16(answer, kTransport + 6);
  }
  std::vector<u8> data_segment(u32 sequence, const std::string& text) const {
    std::vector<u8> segment = tcp_segment(80, kPsh | kAck, sequence, theirs_ + 1);
    segment.resize(20 + text.size());
    std::copy(text.begin(), text.end(), segment.begin() + 20);
    return segment;
  }
  EchoChardev& forward_to_chardev() {
    auto& device =
        dynamic_cast<EchoChardev&>(backends_.add(kChardevKind, "guestfwd-echo", "echo", {}));
    start({{"restrict", "on"}, {"guestfwd", "tcp:10.0.2.100:80-chardev:echo"}});
    return device;
  }
  // What the device says comes to the guest.
  void expect_answer_of(EchoChardev& device) {
    device.say("answer");
    std::vector<u8> answer;
    EXPECT_TRUE(machine_.run_main_loop_until([&] {
      answer = arriving(IPPROTO_TCP);
      return answer.size() > kTransport + 20;
    }));
    EXPECT_EQ(std::string(answer.begin() + kTransport + 20, answer.end()), "answer");
  }
  u32 theirs_ = 0;  // the first sequence number of the other side
};

TEST_F(ForwardsTest, PortsAreForwardedAndNotAnyMoreByCommand) {
  start();
  EXPECT_FALSE(is_listened_on(27621));
  call("hostfwd_add", "tcp:127.0.0.1:27621-:80");
  EXPECT_TRUE(is_listened_on(27621));
  EXPECT_EQ(network_->get_property("hostfwd"), "tcp:127.0.0.1:27621-:80");
  const Value known = machine_.call(*network_, "query-usernet");
  EXPECT_NE(known.find("connections")->as_string().find("27621"), std::string::npos);
  call("hostfwd_remove", "tcp:127.0.0.1:27621");
  EXPECT_FALSE(is_listened_on(27621));
  EXPECT_THROW(call("hostfwd_remove", "tcp:127.0.0.1:27621"), Error);
  EXPECT_THROW(call("hostfwd_add", "tcp:27621"), Error);
}

TEST_F(ForwardsTest, AConnectionOutlivesTheRuleThatLedItIn) {
  start();
  answers_for(kRouterAddress);  // which tells it where the guest is
  call("hostfwd_add", "tcp:127.0.0.1:27625-:80");
  const int outside = connected_to(27625);
  ASSERT_GE(outside, 0);
  std::vector<u8> asked;
  ASSERT_TRUE(
      machine_.run_main_loop_until([&] { return !(asked = arriving(IPPROTO_TCP)).empty(); }));
  ASSERT_EQ(asked[kTransport + 13], kSyn);
  const u16 port = load16(asked, kTransport);
  const u32 theirs =
      static_cast<u32>(load16(asked, kTransport + 4) << 16) | load16(asked, kTransport + 6);
  const auto answer = [&](u8 flags, u32 sequence, const std::string& text) {
    std::vector<u8> segment = tcp_segment(port, flags, sequence, theirs + 1);
    store16(segment, 0, 80);
    segment.insert(segment.end(), text.begin(), text.end());
    send_tcp(kRouterAddress, segment);
  };
  answer(kSyn | kAck, 1, "");
  call("hostfwd_remove", "tcp:127.0.0.1:27625");
  EXPECT_FALSE(is_listened_on(27625));
  answer(kPsh | kAck, 2, "hello");
  std::array<char, 5> text{};
  EXPECT_TRUE(machine_.run_main_loop_until(
      [&] { return recv(outside, text.data(), text.size(), MSG_DONTWAIT) == 5; }));
  EXPECT_EQ(std::string(text.data(), text.size()), "hello");
  close(outside);
}

TEST_F(ForwardsTest, ACommandMayNameTheNetwork) {
  start();
  const auto add = [&](const char* network) {
    machine_.call(*network_, "hostfwd_add",
                  Value::Record{{"rule", network}, {"of", "tcp:127.0.0.1:27622-:80"}});
  };
  EXPECT_THROW(add("other"), Error);
  add("net0");
  EXPECT_TRUE(is_listened_on(27622));
}

TEST_F(ForwardsTest, AnAddressOfTheNetworkLeadsToACharacterDevice) {
  EchoChardev& device = forward_to_chardev();
  say_to_forwarded("hello");
  EXPECT_EQ(device.received, "hello");
  guest_.frames.clear();
  expect_answer_of(device);
}

TEST_F(ForwardsTest, ACharacterDeviceIsReachedFromAnIoThread) {
  EchoChardev& device = forward_to_chardev();
  move_to_thread();
  say_to_forwarded("hello");
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return device.received == "hello"; }));
  expect_answer_of(device);
}

// A card's queues are served by the main thread, too, which has the machine lock.
TEST_F(ForwardsTest, WhatTwoThreadsSendToACharacterDeviceKeepsItsOrder) {
  EchoChardev& device = forward_to_chardev();
  move_to_thread();
  connect_to_forwarded();
  // The thread has nothing more to do that waits for the machine lock.
  for (int round = 0; round < 6; ++round) {
    bool looked = false;
    network_->loop().post([&] { machine_.main_loop().post([&] { looked = true; }); });
    EXPECT_TRUE(machine_.run_main_loop_until([&] { return looked; }));
  }
  std::atomic<bool> sent{false};
  network_->loop().post([&] {
    send_tcp(kForwarded, data_segment(2, "first "));
    sent = true;
  });
  // It waits for the machine lock then.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!sent && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  ASSERT_TRUE(sent);
  send_tcp(kForwarded, data_segment(8, "second"));
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return device.received.size() >= 12; }));
  EXPECT_EQ(device.received, "first second");
}

TEST_F(ForwardsTest, PortsAreForwardedFromAnIoThreadAndFromWhereItLeftOff) {
  start();
  move_to_thread();
  call("hostfwd_add", "tcp:127.0.0.1:27623-:80");
  const auto connection_arrives = [&] {
    {
      const IoContext::Guard lock(network_->loop());
      guest_.frames.clear();
    }
    EXPECT_TRUE(is_listened_on(27623));
    // The router asks who has the guest's address, to pass the connection on.
    const auto arrived = [&] {
      const IoContext::Guard lock(network_->loop());
      return !guest_.frames.empty();
    };
    if (&network_->loop() == &machine_.main_loop().io_context())
      return machine_.run_main_loop_until(arrived);
    // An I/O thread needs neither the main loop nor the machine lock, which is held here.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!arrived() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return arrived();
  };
  EXPECT_TRUE(connection_arrives());
  network_->serve_in(machine_.main_loop().io_context());
  backends_.remove("io0");
  EXPECT_TRUE(connection_arrives());
}

TEST_F(ForwardsTest, AnAddressOfTheNetworkLeadsToASocket) {
  const std::string path = ::testing::TempDir() + "backplane-fwd-" + std::to_string(getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  ASSERT_EQ(bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(server, 1), 0);
  start({{"guestfwd", "tcp:10.0.2.100:80-unix:" + path}});
  say_to_forwarded("hello");
  int peer = -1;
  std::array<char, 5> text{};
  EXPECT_TRUE(machine_.run_main_loop_until([&] {
    if (peer < 0) peer = accept(server, nullptr, nullptr);
    return peer >= 0 && recv(peer, text.data(), text.size(), MSG_DONTWAIT) == 5;
  }));
  EXPECT_EQ(std::string(text.data(), text.size()), "hello");
  close(peer);
  close(server);
  unlink(path.c_str());
}

TEST_F(ForwardsTest, WhatCannotBeForwardedIsRefused) {
  EXPECT_THROW(start({{"guestfwd", "tcp:10.0.3.100:80-cmd:cat"}}), Error);
  EXPECT_THROW(start({{"guestfwd", "tcp:10.0.2.100:80-chardev:none"}}), Error);
  EXPECT_THROW(
      start({{"guestfwd", "tcp:10.0.2.100:80-cmd:cat"}, {"guestfwd", "tcp:10.0.2.100:80-cmd:cat"}}),
      Error);
  EXPECT_TRUE(backends_.children().empty());
}

}  // namespace
}  // namespace backplane::testing
