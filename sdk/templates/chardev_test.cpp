// SPDX-License-Identifier: MIT
#include <backplane/backend.h>
#include <backplane/chardev.h>
#include <backplane/testing/test_machine.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace backplane::testing {
namespace {

// A UART's side of it.
struct Port final : ChardevClient {
  std::size_t can_receive() override { return room - std::min(room, text.size()); }
  void receive(const u8* data, std::size_t size) override {
    text.append(reinterpret_cast<const char*>(data), size);
  }
  std::size_t room = 100;
  std::string text;
};

class @CLASS@Test : public ::testing::Test {
 protected:
  ~@CLASS@Test() override { device_.set_client(nullptr); }
  void say(std::string_view text) {
    device_.write(reinterpret_cast<const u8*>(text.data()), text.size());
  }

  TestMachine machine_;
  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
  Chardev& device_ = dynamic_cast<Chardev&>(
      backends_.add(kChardevKind, "@STEM@", "port", {{"limit", "8"}}));
  Port port_;
};

TEST_F(@CLASS@Test, AnswersInCapitalLetters) {
  device_.set_client(&port_);
  say("hello 1");
  EXPECT_EQ(port_.text, "HELLO 1");
  EXPECT_EQ(device_.describe(), "7 bytes came");
}

TEST_F(@CLASS@Test, KeepsWhatTheGuestHasNoRoomForAndNoMoreThanItsLimit) {
  port_.room = 2;
  device_.set_client(&port_);
  say("abcdefghijkl");
  EXPECT_EQ(port_.text, "AB");
  port_.room = 100;
  device_.accept_input();
  EXPECT_EQ(port_.text, "ABCDEFGH");
}

}  // namespace
}  // namespace backplane::testing
