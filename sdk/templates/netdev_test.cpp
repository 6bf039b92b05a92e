// SPDX-License-Identifier: MIT
#include <backplane/backend.h>
#include <backplane/netdev.h>
#include <backplane/testing/test_machine.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace backplane::testing {
namespace {

// A network card.
struct Card final : NetClient {
  bool receive(std::span<const u8> frame) override {
    frames.emplace_back(frame.begin(), frame.end());
    return true;
  }
  std::vector<std::string> frames;
};

TEST(@CLASS@, GivesBackFramesButForThoseThatAreLost) {
  TestMachine machine;
  Backends& backends = machine.add_child("backends", std::make_unique<Backends>(machine));
  auto& hub =
      dynamic_cast<Netdev&>(backends.add(kNetdevKind, "@STEM@", "hub", {{"drop", "2"}}));
  Card card;
  hub.set_client(&card);
  for (std::string text : {"one", "two", "three"}) {
    const iovec pieces[] = {{text.data(), 1}, {text.data() + 1, text.size() - 1}};
    hub.send(pieces);
  }
  EXPECT_EQ(card.frames, (std::vector<std::string>{"one", "three"}));
  hub.set_client(nullptr);
}

}  // namespace
}  // namespace backplane::testing
