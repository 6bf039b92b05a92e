// SPDX-License-Identifier: MIT
// A network that moves between the main loop and an I/O thread, with what it was about to do.
#include <algorithm>
#include <atomic>

#include "guest_side.h"

namespace backplane::testing {
namespace {

class MovesTest : public UserNetworkTest {
 protected:
  // A segment of TCP arrives with all of these flags, with nothing done in the main loop.
  bool arrives_by_itself(u8 flags) {
    return wait_until([&] {
      const IoContext::Guard lock(network_->loop());
      return std::any_of(guest_.frames.begin(), guest_.frames.end(), [&](const auto& frame) {
        return frame.size() > kTransport + 13 && frame[kIp + 9] == IPPROTO_TCP &&
               (frame[kTransport + 13] & flags) == flags;
      });
    });
  }
  void forget_frames() {
    const IoContext::Guard lock(network_->loop());
    guest_.frames.clear();
  }
};

TEST_F(MovesTest, WhatTheMainLoopWasToLookAtIsLookedAtInTheThread) {
  const Listener server;
  start();
  answers_for(kRouterAddress);
  send(arp_request(kRouterAddress));  // the main loop is to look for sockets, and does not
  move_to_thread();
  forget_frames();
  send_tcp(kRouterAddress, tcp_segment(server.port(), kSyn));
  EXPECT_TRUE(arrives_by_itself(kSyn | kAck));
}

TEST_F(MovesTest, WhatTheThreadWasToLookAtIsNoLongerItsBusiness) {
  start();
  move_to_thread();
  IoContext& thread = network_->loop();
  {
    const IoContext::Guard lock(thread);
    send(arp_request(kRouterAddress));  // the thread is to look for sockets, but for our lock
    network_->serve_in(machine_.main_loop().io_context());
  }
  // It would wait for the machine lock, which is held here.
  std::atomic<bool> looked{false};
  thread.post([&] { looked = true; });
  EXPECT_TRUE(wait_until([&] { return looked.load(); }));
}

// The router lets a while go by before it acknowledges a segment that is not like the one before:
// with another window.
TEST_F(MovesTest, ItsTimesAreKeptInTheThread) {
  const Listener server;
  start();
  answers_for(kRouterAddress);
  move_to_thread();
  forget_frames();
  send_tcp(kRouterAddress, tcp_segment(server.port(), kSyn));
  ASSERT_TRUE(arrives_by_itself(kSyn | kAck));
  u32 theirs = 0;
  {
    const IoContext::Guard lock(network_->loop());
    const std::vector<u8>& answer = guest_.frames.back();
    theirs =
        static_cast<u32>(load16(answer, kTransport + 4) << 16) | load16(answer, kTransport + 6);
  }
  send_tcp(kRouterAddress, tcp_segment(server.port(), kAck, 2, theirs + 1));
  forget_frames();
  std::vector<u8> segment = tcp_segment(server.port(), kAck, 2, theirs + 1);
  store16(segment, 14, 0x1000);
  segment.push_back('x');
  send_tcp(kRouterAddress, segment);
  EXPECT_TRUE(arrives_by_itself(kAck));
}

}  // namespace
}  // namespace backplane::testing
