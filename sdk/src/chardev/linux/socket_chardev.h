// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "backplane/enumeration.h"
#include "chardev/linux/socket_address.h"
#include "chardev/stream_chardev.h"

namespace backplane {

class SocketChardev;

// One end of a socket: how a peer is found, and what follows when it leaves.
class SocketEnd {
 public:
  virtual ~SocketEnd() = default;
  virtual std::string describe() const = 0;
  // The peer sends no more, or takes no more.
  virtual void peer_left() = 0;
};

// A stream socket, of the file system or TCP.
class SocketChardev final : public StreamChardev {
 public:
  static void class_init(ObjectClass& k);
  ~SocketChardev() override;
  std::string describe() const override { return end_->describe(); }

  // --- for its end ---
  using StreamChardev::connected;
  using StreamChardev::disconnect;
  using StreamChardev::loop;
  // Talks to that peer from now on. Throws Error.
  void use(UniqueFd connection);

 private:
  void open() override;
  void end_of_input() override;
  void output_failed(int) override { end_->peer_left(); }

  std::string path_, host_, port_, fd_;
  bool server_ = false;
  OnOffAuto wait_ = OnOffAuto::Auto;  // of a server for its first peer; Auto: On
  u32 reconnect_ = 0;                 // seconds
  u32 reconnect_ms_ = 0;
  std::unique_ptr<SocketEnd> end_;
};

// A listening socket; one that was handed over has no path to remove when it is closed.
struct Listener {
  SocketAddress address;
  UniqueFd fd;
  bool handed_over = false;
};
// Of one that was handed over. Throws Error if it is no socket that listens.
Listener listening(UniqueFd fd);

// The listening end. It serves one peer at a time; when that one leaves, the next is let in. While
// none is there, what is written is dropped. wait: returns when the first peer is there. Throws
// Error.
std::unique_ptr<SocketEnd> listen_for_peers(SocketChardev& device, Listener listener, bool wait);

// The connecting end. reconnect: milliseconds after which a lost or failed connection is tried
// again; 0: never. Throws Error, if it never is. Attempts that may be repeated keep nobody waiting,
// but for a moment the first one, so that nothing is lost of what is written to a peer that is
// there.
std::unique_ptr<SocketEnd> connect_to_peer(SocketChardev& device, SocketAddress address,
                                           unsigned reconnect);

// One that is connected, as it was handed over. Throws Error if it is no socket.
std::unique_ptr<SocketEnd> keep_to_peer(SocketChardev& device, UniqueFd connection);

}  // namespace backplane
