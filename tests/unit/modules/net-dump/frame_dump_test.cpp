// SPDX-License-Identifier: MIT
#include "frame_dump.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "backplane/io_thread.h"
#include "backplane/testing/test_machine.h"

namespace backplane::testing {
namespace {

constexpr Kind kAnyKind{
    .base = "backend", .prefix = "", .suffix = "", .noun = "backend", .option = "-object"};

class DumpedNetwork final : public Netdev, public MovableNetdev {
 public:
  static void class_init(ObjectClass&) {}
  std::string describe() const override { return "dumped"; }
  void send(std::span<const iovec>) override {}
  void moved() override {}
  void arrive(u8 fill) { deliver(std::vector<u8>(60, fill)); }
};
BACKPLANE_TYPE(DumpedNetwork, "net-dumped")

class FrameDumpTest : public ::testing::Test {
 protected:
  FrameDumpTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))),
        network_(dynamic_cast<DumpedNetwork&>(backends_.add(kNetdevKind, "dumped", "net0", {}))),
        path_(::testing::TempDir() + "backplane-dump-" + std::to_string(getpid())) {}
  ~FrameDumpTest() override {
    machine_.remove_child(backends_);
    unlink(path_.c_str());
  }

  using Properties = std::vector<std::pair<std::string, std::string>>;
  void start(Properties properties = {}) {
    properties.emplace_back("netdev", "net0");
    properties.emplace_back("file", path_);
    backends_.add(kAnyKind, "filter-dump", "dump", properties);
  }
  void send(u8 fill) {
    std::vector<u8> frame(100, fill);
    const iovec pieces[] = {{frame.data(), 30}, {frame.data() + 30, 70}};
    network_.transmit(pieces);
  }
  std::string dumped() {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TestMachine machine_;
  Backends& backends_;
  DumpedNetwork& network_;
  std::string path_;
};

constexpr std::size_t kFileHeader = 24;
constexpr std::size_t kFrameHeader = 16;

TEST_F(FrameDumpTest, WritesFramesOfBothWays) {
  start();
  send('s');
  network_.arrive('r');
  const std::string text = dumped();
  EXPECT_EQ(text.substr(0, 4), "\xd4\xc3\xb2\xa1");
  ASSERT_EQ(text.size(), kFileHeader + kFrameHeader + 100 + kFrameHeader + 60);
  EXPECT_EQ(text.substr(kFileHeader + kFrameHeader, 100), std::string(100, 's'));
  EXPECT_EQ(text.substr(kFileHeader + kFrameHeader + 100 + kFrameHeader), std::string(60, 'r'));
}

TEST_F(FrameDumpTest, KeepsAsMuchOfEachFrameAsItIsTold) {
  start({{"maxlen", "40"}, {"queue", "rx"}});
  network_.arrive('r');
  send('s');
  const std::string text = dumped();
  ASSERT_EQ(text.size(), kFileHeader + kFrameHeader + 40);
  EXPECT_EQ(text.substr(kFileHeader + 8, 8), std::string("\x28\0\0\0\x64\0\0\0", 8));
}

TEST_F(FrameDumpTest, NothingIsWrittenAfterItIsTakenAway) {
  start();
  backends_.remove("dump");
  send('s');
  EXPECT_EQ(dumped().size(), kFileHeader);
}

TEST_F(FrameDumpTest, ComesAndGoesWhileFramesMoveInAnIoThread) {
  auto& thread = dynamic_cast<IoThread&>(backends_.add(kAnyKind, "iothread", "io0", {}));
  network_.serve_in(thread);
  std::atomic<bool> enough{false};
  std::atomic<unsigned> moved{0};
  const std::function<void()> move = [&] {
    network_.arrive('r');
    ++moved;
    if (!enough) thread.post(move);
  };
  thread.post(move);
  for (unsigned i = 0; i < 10; ++i) {
    start();
    // The thread does not need the machine lock, which is held here.
    for (const unsigned before = moved; moved == before;) std::this_thread::yield();
    backends_.remove("dump");
    const std::size_t frames = dumped().size() - kFileHeader;
    EXPECT_NE(frames, 0U);
    EXPECT_EQ(frames % (kFrameHeader + 60), 0U);
  }
  enough = true;
  bool ended = false;
  thread.post([&] { machine_.main_loop().post([&] { ended = true; }); });
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return ended; }));
  network_.serve_in(machine_.main_loop().io_context());
  backends_.remove("io0");
}

TEST_F(FrameDumpTest, ANetworkMayGoFirst) {
  start();
  backends_.remove("net0");
  backends_.remove("dump");
  EXPECT_EQ(dumped().size(), kFileHeader);
}

TEST_F(FrameDumpTest, WhatIsWrongIsSaid) {
  const auto refusal = [this](const Properties& properties) -> std::string {
    try {
      backends_.add(kAnyKind, "filter-dump", "wrong", properties);
    } catch (const Error& error) {
      return error.what();
    }
    return "was accepted";
  };
  EXPECT_EQ(refusal({{"file", path_}}), "netdev is missing: expects the id of a -netdev");
  EXPECT_EQ(refusal({{"netdev", "net0"}}), "file is missing: expects the name of a file to write");
  EXPECT_EQ(refusal({{"netdev", "other"}, {"file", path_}}), "there is no backend with this id");
  EXPECT_EQ(refusal({{"netdev", "net0"}, {"file", "/nonexistent/x"}}),
            "file=/nonexistent/x: cannot be written: No such file or directory");
}

}  // namespace
}  // namespace backplane::testing
