// SPDX-License-Identifier: MIT
// What tests of network cards have at the other end of the cable. For one file of a program.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backplane/netdev.h"

namespace backplane::testing {
namespace {

// A network that remembers what the guest sends, and from which a test sends to the guest.
class FakeNetwork final : public Netdev, public MovableNetdev {
 public:
  static void class_init(ObjectClass&) {}
  std::string describe() const override { return "a fake"; }
  void send(std::span<const iovec> frame) override {
    std::string text;
    for (const iovec& piece : frame)
      text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    sent.push_back(text);
    if (sending) sending();
  }
  void moved() override {}
  void arrive(const std::string& frame) {
    const IoContext::Guard lock(loop());
    deliver({reinterpret_cast<const u8*>(frame.data()), frame.size()});
  }
  std::vector<std::string> sent;
  std::function<void()> sending;  // what a test does whenever the guest sends
};
BACKPLANE_TYPE(FakeNetwork, "net-fake")

}  // namespace
}  // namespace backplane::testing
