// SPDX-License-Identifier: MIT
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "served_disk.h"
#include "server/negotiation.h"
#include "wire/fields.h"
#include "wire/protocol.h"

namespace backplane::testing {
namespace {

using Reconnecting = ServedDiskTest;

TEST_F(Reconnecting, RequestsWaitForAServerThatComesBack) {
  start_server();
  BlockNode& disk = open({{"reconnect-delay", "20"}});
  const std::vector<u8> bytes = pattern(4096, 1);
  ASSERT_EQ(disk.write(0, bytes.data(), bytes.size()), 0);
  stop_server();
  int result = 1;
  std::vector<u8> back(bytes.size());
  std::thread reader([&] { result = disk.read(0, back.data(), back.size()); });
  start_server();
  reader.join();
  EXPECT_EQ(result, 0);
  EXPECT_TRUE(back == bytes);
}

TEST_F(Reconnecting, WithoutADelayRequestsFailWithTheServersName) {
  start_server();
  BlockNode& disk = open();
  stop_server();
  std::vector<u8> bytes(512);
  EXPECT_EQ(disk.read(0, bytes.data(), bytes.size()), -EIO);
  const std::string why = disk.explain(-EIO);
  EXPECT_NE(why.find(place.path), std::string::npos) << why;
  EXPECT_NE(why.find("cannot connect"), std::string::npos) << why;
}

TEST_F(Reconnecting, AnotherDiskIsNotTakenForTheFirst) {
  start_server();
  BlockNode& disk = open();
  stop_server();
  backends.remove("file");
  std::filesystem::resize_file(directory / "disk", kSize / 2);
  exported.node = &dynamic_cast<BlockNode&>(
      backends.add(kBlockKind, "file", "file", {{"filename", directory / "disk"}}));
  start_server();
  std::vector<u8> bytes(512);
  EXPECT_EQ(disk.read(0, bytes.data(), bytes.size()), -EIO);
  EXPECT_NE(disk.explain(-EIO).find("is not what it was before"), std::string::npos);
}

TEST_F(Reconnecting, WithoutAServerItIsNotOpened) {
  EXPECT_NE(refusal().find("cannot connect to unix:" + place.path), std::string::npos);
}

TEST_F(Reconnecting, WhatIsNoServerIsToldSo) {
  const nbd::Socket listening = std::move(nbd::listen_at(place).front());
  std::thread other([&] {
    int fd;
    do {
      fd = accept(listening.fd(), nullptr, nullptr);
    } while (fd < 0 && errno == EAGAIN);
    const nbd::Socket socket(fd);
    constexpr std::string_view kHello = "220 mail.example.org ESMTP";
    EXPECT_GT(send(socket.fd(), kHello.data(), kHello.size(), MSG_NOSIGNAL), 0);
  });
  EXPECT_EQ(refusal(), "unix:" + place.path + ": what answers there is no NBD server");
  other.join();
}

// A server that takes connections and requests, and answers none of these.
class Mute {
 public:
  explicit Mute(const nbd::Export& exported, const nbd::Place& place)
      : export_(exported), place_(place), thread_([this] { run(); }) {}
  ~Mute() {
    ended_ = true;
    thread_.join();
    for (std::thread& session : sessions_) session.join();
  }

 private:
  void run() {
    const nbd::Socket listening = std::move(nbd::listen_at(place_).front());
    while (!ended_) {
      nbd::Socket socket(accept(listening.fd(), nullptr, nullptr));
      if (socket.fd() < 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        continue;
      }
      sessions_.emplace_back([this, mine = std::move(socket)]() mutable {
        nbd::Channel channel(std::move(mine));
        channel.set_patience(1);
        nbd::Negotiation(export_, channel).run();
        u8 byte;
        while (!ended_ && (channel.receive(&byte, 1) || channel.was_too_late())) {
        }
      });
    }
  }

  const nbd::Export& export_;
  const nbd::Place& place_;
  std::atomic<bool> ended_ = false;
  std::vector<std::thread> sessions_;
  std::thread thread_;
};

TEST_F(Reconnecting, AServerThatSaysNothingIsNotWaitedForForEver) {
  const Mute mute(exported, place);
  BlockNode& disk = open({{"request-timeout", "1"}, {"open-timeout", "10"}});
  const auto begin = std::chrono::steady_clock::now();
  std::vector<u8> bytes(512);
  EXPECT_EQ(disk.read(0, bytes.data(), bytes.size()), -EIO);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
  EXPECT_NE(disk.explain(-EIO).find("does not answer"), std::string::npos) << disk.explain(-EIO);
  backends.remove("disk");
  node = nullptr;
}

}  // namespace
}  // namespace backplane::testing
