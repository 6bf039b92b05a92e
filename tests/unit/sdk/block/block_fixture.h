// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backplane/block.h"
#include "backplane/error.h"
#include "backplane/machine_lock.h"
#include "backplane/main_loop.h"

namespace backplane {

// A main loop, a directory of its own with an image in it, and the machine lock.
class BlockTest : public testing::Test {
 protected:
  static constexpr u64 kSize = 1_MiB;

  BlockTest() {
    // Not /tmp, which may be a tmpfs without direct I/O.
    char name[] = "/var/tmp/backplane-block-XXXXXX";
    if (mkdtemp(name) == nullptr) std::abort();
    directory = name;
    options.file = make_image("disk.img", std::vector<u8>(kSize));
    options.id = "disk0";
  }
  ~BlockTest() override { std::filesystem::remove_all(directory); }

  std::string path(const std::string& name) const { return directory + "/" + name; }
  std::string make_image(const std::string& name, const std::vector<u8>& bytes) const {
    std::ofstream file(path(name), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }
  std::vector<u8> content() const {
    std::ifstream file(options.file, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::vector<u8> pattern(std::size_t size, u32 state) {
    std::vector<u8> bytes(size);
    for (u8& byte : bytes) {
      state = state * 1664525 + 1013904223;
      byte = static_cast<u8>(state >> 24);
    }
    return bytes;
  }

  std::unique_ptr<BlockBackend> open() { return open_block_backend(loop, options); }
  std::string message_of_open() {
    try {
      open();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  // Carries out one request by way of the loop.
  int run(BlockBackend& backend, BlockRequest request) {
    std::optional<int> answer;
    request.done = [&](int result) {
      EXPECT_TRUE(MachineLock::held_by_me());
      answer = result;
    };
    backend.submit(std::move(request));
    EXPECT_FALSE(answer) << "completed inside submit()";
    while (!answer) loop.iterate(true);
    return *answer;
  }
  static BlockRequest request(BlockOp op, u64 offset, std::vector<u8>& bytes) {
    return {
        .op = op, .offset = offset, .size = bytes.size(), .iov = {{bytes.data(), bytes.size()}}};
  }
  int write(BlockBackend& backend, u64 offset, std::vector<u8> bytes) {
    return run(backend, request(BlockOp::Write, offset, bytes));
  }
  int read(BlockBackend& backend, u64 offset, std::vector<u8>& bytes) {
    return run(backend, request(BlockOp::Read, offset, bytes));
  }
  int flush(BlockBackend& backend) { return run(backend, {.op = BlockOp::Flush}); }

  MainLoop loop;
  MachineLock::Guard lock;
  std::string directory;
  BlockOptions options;
};

}  // namespace backplane
