// SPDX-License-Identifier: MIT
// A guest that sends and receives frame by frame, for tests of the user network.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backplane/frame_offload.h"
#include "backplane/io_thread.h"
#include "backplane/testing/test_machine.h"
#include "user_network.h"

namespace backplane::testing {

constexpr std::array<u8, 6> kGuest{0x52, 0x54, 0, 0x12, 0x34, 0x56};
constexpr u32 kGuestAddress = 0x0a00'020f;
constexpr u32 kRouterAddress = 0x0a00'0202;
constexpr std::size_t kIp = 14;
constexpr std::size_t kTransport = 34;
constexpr std::size_t kUdpPayload = 42;

inline void store16(std::vector<u8>& frame, std::size_t at, std::size_t value) {
  frame[at] = static_cast<u8>(value >> 8);
  frame[at + 1] = static_cast<u8>(value);
}
inline u16 load16(const std::vector<u8>& frame, std::size_t at) {
  return static_cast<u16>(frame[at] << 8 | frame[at + 1]);
}

// Who has the address? [RFC 826]
inline std::vector<u8> arp_request(u32 address, u32 own = kGuestAddress) {
  std::vector<u8> frame(42);
  std::fill_n(frame.begin(), 6, u8{0xff});
  std::copy(kGuest.begin(), kGuest.end(), frame.begin() + 6);
  const std::array<u8, 10> header{0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1};
  std::copy(header.begin(), header.end(), frame.begin() + 12);
  std::copy(kGuest.begin(), kGuest.end(), frame.begin() + 22);
  own = htonl(own);
  const u32 wanted = htonl(address);
  std::memcpy(&frame[28], &own, 4);
  std::memcpy(&frame[38], &wanted, 4);
  return frame;
}

// An IPv4 frame to the router, with all but the checksum of what is in it.
inline std::vector<u8> ip_frame(u8 protocol, u32 to, const std::vector<u8>& transport) {
  std::vector<u8> frame(kTransport + transport.size());
  const std::array<u8, 6> router{0x52, 0x55, 0x0a, 0, 2, 2};
  std::copy(router.begin(), router.end(), frame.begin());
  std::copy(kGuest.begin(), kGuest.end(), frame.begin() + 6);
  frame[12] = 0x08;
  frame[kIp] = 0x45;
  store16(frame, kIp + 2, 20 + transport.size());
  frame[kIp + 8] = 64;
  frame[kIp + 9] = protocol;
  const u32 from_bytes = htonl(kGuestAddress);
  const u32 to_bytes = htonl(to);
  std::memcpy(&frame[kIp + 12], &from_bytes, 4);
  std::memcpy(&frame[kIp + 16], &to_bytes, 4);
  store16(frame, kIp + 10, internet_checksum(std::span(frame).subspan(kIp, 20)));
  std::copy(transport.begin(), transport.end(), frame.begin() + kTransport);
  return frame;
}

// What is left to be done with such a frame, and the pseudo header's sum where it belongs.
inline FrameOffload leave_checksum(std::vector<u8>& frame, u16 offset) {
  const u32 protocol_and_length = frame[kIp + 9] + static_cast<u32>(frame.size() - kTransport);
  const u16 sum = static_cast<u16>(
      ~internet_checksum(std::span(frame).subspan(kIp + 12, 8), protocol_and_length));
  store16(frame, kTransport + offset, sum);
  return {.flags = FrameOffload::kNeedsChecksum,
          .checksum_start = kTransport,
          .checksum_offset = offset};
}

// A TCP segment without data. [RFC 9293 "Header Format"]
inline std::vector<u8> tcp_segment(u16 port, u8 flags, u32 sequence = 1, u32 acknowledged = 0) {
  std::vector<u8> segment(20);
  store16(segment, 0, 40'000);
  store16(segment, 2, port);
  store16(segment, 4, sequence >> 16);
  store16(segment, 6, sequence);
  store16(segment, 8, acknowledged >> 16);
  store16(segment, 10, acknowledged);
  segment[12] = 0x50;
  segment[13] = flags;
  store16(segment, 14, 0xffff);
  return segment;
}
constexpr u8 kFin = 0x01;
constexpr u8 kSyn = 0x02;
constexpr u8 kRst = 0x04;
constexpr u8 kPsh = 0x08;
constexpr u8 kAck = 0x10;

// A server on the host's loopback.
class Listener {
 public:
  Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(fd_); }

  u16 port() const { return port_; }
  bool was_reached() const {
    const int peer = accept(fd_, nullptr, nullptr);
    if (peer >= 0) close(peer);
    return peer >= 0;
  }

 private:
  int fd_;
  u16 port_ = 0;
};

struct Guest final : NetClient {
  bool receive(std::span<const u8> frame) override {
    frames.emplace_back(frame.begin(), frame.end());
    return true;
  }
  std::vector<std::vector<u8>> frames;
};

constexpr Kind kObjectKind{
    .base = "backend", .prefix = "", .suffix = "", .noun = "backend", .option = "-object"};

// What the guest got and what it sends is with the lock of the loop that the network is in.
class UserNetworkTest : public ::testing::Test {
 protected:
  UserNetworkTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))) {}
  ~UserNetworkTest() override {
    if (network_ != nullptr) {
      network_->serve_in(machine_.main_loop().io_context());
      network_->set_client(nullptr);
    }
    machine_.remove_child(backends_);
  }

  using Properties = std::vector<std::pair<std::string, std::string>>;
  void start(const Properties& properties = {}) {
    network_ = &dynamic_cast<Netdev&>(backends_.add(kNetdevKind, "user", "net0", properties));
    network_->set_client(&guest_);
  }
  // Has its frames move in an I/O thread from now on.
  void move_to_thread() {
    network_->serve_in(dynamic_cast<IoThread&>(backends_.add(kObjectKind, "iothread", "io0", {})));
  }
  // Waits without giving the machine lock up, for what an I/O thread does alone.
  template <class Condition>
  static bool wait_until(Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return holds();
  }
  void send(std::vector<u8> frame, const FrameOffload& left = {}) {
    const IoContext::Guard lock(network_->loop());
    const iovec piece{frame.data(), frame.size()};
    network_->transmit(left, {&piece, 1});
  }
  bool answers_for(u32 address) {
    {
      const IoContext::Guard lock(network_->loop());
      guest_.frames.clear();
    }
    send(arp_request(address));
    machine_.run_main_loop();
    const IoContext::Guard lock(network_->loop());
    return !guest_.frames.empty() && guest_.frames[0][12] == 0x08 && guest_.frames[0][13] == 0x06 &&
           guest_.frames[0][21] == 2;
  }
  void send_tcp(u32 to, const std::vector<u8>& segment) {
    std::vector<u8> frame = ip_frame(IPPROTO_TCP, to, segment);
    const FrameOffload left = leave_checksum(frame, 16);
    send(frame, left);
  }
  void send_udp(u32 to, u16 port, const std::string& payload) {
    std::vector<u8> datagram(8 + payload.size());
    store16(datagram, 0, 40'001);
    store16(datagram, 2, port);
    store16(datagram, 4, datagram.size());
    std::copy(payload.begin(), payload.end(), datagram.begin() + 8);
    std::vector<u8> frame = ip_frame(IPPROTO_UDP, to, datagram);
    const FrameOffload left = leave_checksum(frame, 6);
    send(frame, left);
  }
  // The first frame of that protocol that arrives, or none after a while.
  std::vector<u8> arriving(u8 protocol) {
    std::vector<u8> found;
    const auto look = [&] {
      const IoContext::Guard lock(network_->loop());
      for (const auto& frame : guest_.frames)
        if (frame.size() > kTransport && load16(frame, 12) == 0x0800 && frame[kIp + 9] == protocol)
          found = frame;
      return !found.empty();
    };
    if (&network_->loop() != &machine_.main_loop().io_context())
      machine_.run_main_loop_until(look);
    else
      for (unsigned i = 0; i < 50 && !look(); ++i) machine_.run_main_loop();
    const IoContext::Guard lock(network_->loop());
    guest_.frames.clear();
    return found;
  }

  TestMachine machine_;
  Backends& backends_;
  Netdev* network_ = nullptr;
  Guest guest_;
};

}  // namespace backplane::testing
