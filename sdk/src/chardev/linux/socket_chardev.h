// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "chardev/linux/connection_attempt.h"
#include "chardev/linux/socket_address.h"
#include "chardev/stream_chardev.h"

namespace backplane {

// The listening end of a socket. It serves one peer at a time; when that one leaves, the next is
// let in. While none is there, what is written is dropped.
class SocketServerChardev final : public StreamChardev {
 public:
  // wait: returns when the first peer is there. Throws Error.
  SocketServerChardev(MainLoop& loop, std::string id, SocketAddress address, bool wait);
  ~SocketServerChardev() override;
  std::string describe() const override;

 private:
  void end_of_input() override;
  void output_failed(int error) override;
  void let_next_in();
  void accept_peer();
  void wait_for_peer();

  SocketAddress address_;
  UniqueFd listener_;
  MainLoop::WatchHandle watch_{nullptr, nullptr};
};

// The connecting end of a socket.
class SocketClientChardev final : public StreamChardev {
 public:
  // reconnect: milliseconds after which a lost or failed connection is tried again; 0: never.
  // Throws Error, if it never is. Attempts that may be repeated keep nobody waiting, but for a
  // moment the first one, so that nothing is lost of what is written to a peer that is there.
  SocketClientChardev(MainLoop& loop, std::string id, SocketAddress address, unsigned reconnect);
  ~SocketClientChardev() override;
  std::string describe() const override;

 private:
  void end_of_input() override;
  void output_failed(int error) override;
  void lost();
  void try_later();
  void attempt();
  void attempt_ended();
  void use(UniqueFd connection);

  SocketAddress address_;
  unsigned reconnect_;
  UniqueFd timer_;
  std::optional<ConnectionAttempt> attempt_;
  MainLoop::WatchHandle watch_{nullptr, nullptr};
};

}  // namespace backplane
