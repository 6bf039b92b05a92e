// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "backplane/block.h"
#include "backplane/testing/scratch_directory.h"
#include "backplane/testing/test_machine.h"

namespace backplane::testing {

// A directory, what qemu-img makes there, and nodes on it.
class Qcow2Test : public ::testing::Test {
 protected:
  using Properties = std::vector<std::pair<std::string, std::string>>;

  std::string path(const std::string& name) const { return directory / name; }

  // The exit status; what it printed is in `printed`.
  int qemu_img(const std::string& arguments) {
    printed.clear();
    std::FILE* const pipe = popen(
        ("cd " + directory.path().string() + " && qemu-img " + arguments + " 2>&1").c_str(), "r");
    char buffer[256];
    while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) printed += buffer;
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void create(const std::string& options, const std::string& size) {
    ASSERT_EQ(qemu_img("create -q -f qcow2 -o " + options + " a.qcow2 " + size), 0) << printed;
  }
  // Neither errors nor leaks.
  void expect_sound(const std::string& name = "a.qcow2") {
    EXPECT_EQ(qemu_img("check " + name), 0) << printed;
  }
  void expect_content(const std::vector<u8>& bytes, const std::string& name = "a.qcow2") {
    std::ofstream(path("model"), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    EXPECT_EQ(qemu_img("compare -f qcow2 -F raw " + name + " model"), 0) << printed;
  }

  BlockNode& open(const Properties& more = {}, const std::string& name = "a.qcow2") {
    Properties properties{{"file.driver", "file"}, {"file.filename", path(name)}};
    properties.insert(properties.end(), more.begin(), more.end());
    return dynamic_cast<BlockNode&>(backends.add(kBlockKind, "qcow2", "disk", properties));
  }
  void close() { backends.remove("disk"); }
  void write_file(const std::string& name, const std::vector<u8>& bytes) {
    std::ofstream(path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  // All of a disk.
  static std::vector<u8> content_of(BlockNode& disk) {
    std::vector<u8> bytes(disk.size());
    EXPECT_EQ(disk.read(0, bytes.data(), bytes.size()), 0);
    return bytes;
  }
  // Why it cannot be opened, its path left out, and what helps; empty if it can.
  std::string refusal(const Properties& more = {}) {
    try {
      open(more);
    } catch (const Error& error) {
      std::string text = error.what();
      if (text.starts_with(path("a.qcow2 "))) text.erase(0, path("a.qcow2 ").size());
      return text;
    }
    close();
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
  std::string printed;
};

// Requests at random, and what they should leave.
class RandomUse {
 public:
  RandomUse(u64 size, u32 seed) : model(size), random_(seed) {}

  // Expects each request to succeed and each read to agree.
  void step(BlockNode& node) {
    const u64 sectors = 1 + below(below(4) == 0 ? 600 : 24);
    const u64 size = std::min<u64>(512 * sectors, model.size());
    const u64 offset = 512 * below((model.size() - size) / 512 + 1);
    const auto at = model.begin() + static_cast<std::ptrdiff_t>(offset);
    std::vector<u8> bytes(size);
    switch (below(8)) {
      case 0: {
        ASSERT_EQ(node.write_zeroes(offset, size, below(2) == 0), 0);
        std::fill_n(at, size, u8{0});
        break;
      }
      case 1: {
        // What is discarded may be anything: it is written at once.
        ASSERT_EQ(node.discard(offset, size), 0);
        ASSERT_EQ(node.write(offset, &*at, size), 0);
        break;
      }
      case 2:
      case 3:
        ASSERT_EQ(node.read(offset, bytes.data(), size), 0);
        ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), at)) << size << " at " << offset;
        break;
      default:
        for (u8& byte : bytes) byte = static_cast<u8>(random_());
        ASSERT_EQ(node.write(offset, bytes.data(), size), 0);
        std::copy(bytes.begin(), bytes.end(), at);
    }
  }
  u64 below(u64 limit) { return random_() % limit; }

  std::vector<u8> model;

 private:
  std::mt19937 random_;
};

}  // namespace backplane::testing
