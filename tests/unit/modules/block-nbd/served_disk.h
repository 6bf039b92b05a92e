// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backplane/block.h"
#include "backplane/image.h"
#include "backplane/testing/scratch_directory.h"
#include "backplane/testing/test_machine.h"
#include "server/server.h"
#include "wire/place.h"

namespace backplane::testing {

// A file that a server has, and nodes on it.
class ServedDiskTest : public ::testing::Test {
 protected:
  using Properties = std::vector<std::pair<std::string, std::string>>;
  static constexpr u64 kSize = 40_MiB;

  ServedDiskTest() {
    std::ofstream(directory / "disk");
    std::filesystem::resize_file(directory / "disk", kSize);
    exported.node = &dynamic_cast<BlockNode&>(
        backends.add(kBlockKind, "file", "file", {{"filename", directory / "disk"}}));
    exported.shared = true;
    exported.extent = [this](u64 offset, u64 size, Extent& extent) {
      return extent_of(*exported.node, offset, size, extent);
    };
  }
  ~ServedDiskTest() override {
    if (node != nullptr) backends.remove("disk");
    stop_server();
  }

  void start_server() {
    server.emplace(exported, nbd::listen_at(place),
                   nbd::ServerSettings{.most_clients = 0, .persistent = true});
    thread = std::thread([this] { server->run(ending.fd()); });
  }
  void stop_server() {
    if (!server) return;
    u64 count = 1;
    ASSERT_EQ(write(ending.fd(), &count, sizeof count), ssize_t{sizeof count});
    thread.join();
    ASSERT_EQ(::read(ending.fd(), &count, sizeof count), ssize_t{sizeof count});
    server.reset();
    unlink(place.path.c_str());
  }

  BlockNode& open(Properties properties = {}) {
    if (properties.empty() || properties.front().first != "filename")
      properties.insert(properties.end(), {{"server.type", "unix"}, {"server.path", place.path}});
    node = &dynamic_cast<BlockNode&>(backends.add(kBlockKind, "nbd", "disk", properties));
    return *node;
  }
  std::string refusal(const Properties& properties = {}) {
    try {
      open(properties);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  static std::vector<u8> pattern(std::size_t size, u32 state) {
    std::vector<u8> bytes(size);
    for (u8& byte : bytes) {
      state = state * 1664525 + 1013904223;
      byte = static_cast<u8>(state >> 24);
    }
    return bytes;
  }

  TestMachine machine;
  Backends& backends = machine.add_child("backends", std::make_unique<Backends>(machine));
  ScratchDirectory directory{"/var/tmp"};
  nbd::Place place{.path = directory / "socket", .host = {}, .port = {}};
  nbd::Export exported;
  nbd::Socket ending{eventfd(0, EFD_CLOEXEC)};
  std::optional<nbd::Server> server;
  std::thread thread;
  BlockNode* node = nullptr;
};

}  // namespace backplane::testing
