// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "backplane/chardev.h"
#include "backplane/error.h"
#include "backplane/main_loop.h"
#include "backplane/testing/scratch_directory.h"
#include "backplane/testing/test_machine.h"

namespace backplane {

// Notes what it is given, and takes no more than it has room for.
class RecordingClient final : public ChardevClient {
 public:
  std::size_t can_receive() override { return room; }
  void receive(const u8* data, std::size_t size) override {
    ASSERT_LE(size, room);
    if (room != kUnlimited) room -= size;
    received.append(reinterpret_cast<const char*>(data), size);
  }
  void event(Event event) override { events.push_back(event); }
  bool saw(Event event) const { return std::count(events.begin(), events.end(), event) != 0; }

  static constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();
  std::size_t room = kUnlimited;
  std::string received;
  std::vector<Event> events;
};

// A machine with backends, and a directory of its own.
class ChardevTest : public ::testing::Test {
 protected:
  struct Remove {
    Backends* backends = nullptr;
    void operator()(const Chardev* device) const { backends->remove(device->id()); }
  };
  // As long as it lives the backend is there.
  using ChardevPtr = std::unique_ptr<Chardev, Remove>;
  using Properties = std::vector<std::pair<std::string, std::string>>;

  ChardevPtr create_chardev(const std::string& name, const std::string& id,
                            const Properties& properties) {
    return {dynamic_cast<Chardev*>(&backends.add(kChardevKind, name, id, properties)), {&backends}};
  }
  ChardevPtr create_chardev_from_text(const std::string& id, const std::string& text) {
    const ChardevParts parts = parse_chardev_short_form(text);
    return create_chardev(parts.name, id, parts.properties);
  }

  std::string path(const std::string& name) const { return directory / name; }

  // Runs the loop until it is so; false if it never is.
  bool run_until(const std::function<bool()>& so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!so()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      if (!loop.iterate(false)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  // Runs what is due; false if there is no end of it, because something spins.
  bool settle() {
    for (int round = 0; round < 1000; ++round)
      if (!loop.iterate(false)) return true;
    return false;
  }

  static void write(Chardev& device, std::string_view text) {
    device.write(reinterpret_cast<const u8*>(text.data()), text.size());
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // What can be read from a non-blocking descriptor now.
  static std::string read_now(int fd) {
    std::string text;
    char buffer[4096];
    for (ssize_t size; (size = read(fd, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(size));
    return text;
  }
  static void send(int fd, std::string_view text) {
    ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // Text that does not repeat in step with any buffer.
  static std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    u32 state = 1;
    for (char& c : text) {
      state = state * 1664525 + 1013904223;
      c = static_cast<char>(state >> 24);
    }
    return text;
  }
  static std::string message_of(const std::function<void()>& fn) {
    try {
      fn();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  testing::TestMachine machine;
  MainLoop& loop = machine.main_loop();
  Backends& backends = machine.add_child("backends", std::make_unique<Backends>(machine));
  testing::ScratchDirectory directory;
};

}  // namespace backplane
