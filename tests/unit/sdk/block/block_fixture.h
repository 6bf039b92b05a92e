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

#include "backplane/block_queue.h"
#include "backplane/error.h"
#include "backplane/testing/scratch_directory.h"
#include "backplane/testing/test_machine.h"
#include "block/image_file.h"

namespace backplane {

// A directory of its own with an image in it.
class ImageTest : public ::testing::Test {
 protected:
  static constexpr u64 kSize = 1_MiB;

  ImageTest() { options.file = make_image("disk.img", std::vector<u8>(kSize)); }

  std::string path(const std::string& name) const { return directory / name; }
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

  std::unique_ptr<ImageFile> open_file() { return std::make_unique<ImageFile>(options); }
  std::string message_of_open_file() {
    try {
      open_file();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  // Not /tmp, which may be a tmpfs without direct I/O.
  testing::ScratchDirectory directory{"/var/tmp"};
  ImageOptions options;
};

// The same, with a machine and what it has of block nodes.
class BlockTest : public ImageTest {
 protected:
  using Properties = std::vector<std::pair<std::string, std::string>>;

  // A raw node on the image, and a queue on that.
  struct Disk {
    Disk(BlockTest& test, const BlockQueueSettings& settings)
        : test(test),
          node(dynamic_cast<BlockNode&>(
              test.backends.add(kBlockKind, "raw", "disk0", test.all_properties()))),
          queue(std::make_unique<BlockQueue>(test.machine, node, settings)) {}
    ~Disk() {
      queue.reset();
      test.backends.remove("disk0");
    }
    BlockTest& test;
    BlockNode& node;
    std::unique_ptr<BlockQueue> queue;
  };
  std::unique_ptr<Disk> open() { return std::make_unique<Disk>(*this, settings); }
  std::string message_of_open() {
    try {
      open();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  Properties all_properties() const {
    Properties all{{"file.driver", "file"}, {"file.filename", options.file}};
    all.insert(all.end(), properties.begin(), properties.end());
    return all;
  }

  // Carries out one request by way of the loop.
  int run(Disk& disk, BlockRequest request) {
    std::optional<int> answer;
    request.done = [&](int result) {
      EXPECT_TRUE(MachineLock::held_by_me());
      answer = result;
    };
    disk.queue->submit(std::move(request));
    EXPECT_FALSE(answer) << "completed inside submit()";
    while (!answer) machine.main_loop().iterate(true);
    return *answer;
  }
  static BlockRequest request(BlockOp op, u64 offset, std::vector<u8>& bytes) {
    return {
        .op = op, .offset = offset, .size = bytes.size(), .iov = {{bytes.data(), bytes.size()}}};
  }
  int write(Disk& disk, u64 offset, std::vector<u8> bytes) {
    return run(disk, request(BlockOp::Write, offset, bytes));
  }
  int read(Disk& disk, u64 offset, std::vector<u8>& bytes) {
    return run(disk, request(BlockOp::Read, offset, bytes));
  }
  int flush(Disk& disk) { return run(disk, {.op = BlockOp::Flush}); }

  testing::TestMachine machine;
  Backends& backends = machine.add_child("backends", std::make_unique<Backends>(machine));
  Properties properties;  // of the raw node, "file." before those of the file
  BlockQueueSettings settings;
};

}  // namespace backplane
