// SPDX-License-Identifier: MIT
// What carries frames to another program and back. With the lock of the loop that it is in, and
// together with the machine lock where a wire is made, moved and destroyed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "backplane/io_context.h"
#include "backplane/io_vector.h"
#include "backplane/types.h"
#include "socket.h"

namespace backplane {

class Machine;

class Wire {
 public:
  using Receive = std::function<void(std::span<const u8> frame)>;

  explicit Wire(IoContext& loop) : loop_(&loop) {}
  virtual ~Wire() = default;
  // Waits in that loop from now on for what it waits for.
  void move_to(IoContext& loop) {
    loop_ = &loop;
    watch();
  }
  // Frames that the other side does not take in time are lost.
  virtual void send(std::span<const iovec> frame) = 0;
  // "listening at ...".
  virtual std::string describe() const = 0;

 protected:
  // Begins to wait, or to wait for something else or elsewhere.
  virtual void watch() = 0;
  IoContext& loop() const { return *loop_; }

 private:
  IoContext* loop_;
};

// All are in the main loop at first.

// A stream of frames, each after its length in four bytes, big-endian; one peer at a time.
std::unique_ptr<Wire> stream_at(Machine& machine, const SocketPlace& place, Wire::Receive receive);
// Throws Error if nobody is there, unless it tries again so many milliseconds later.
std::unique_ptr<Wire> stream_to(Machine& machine, const SocketPlace& place, unsigned reconnect,
                                Wire::Receive receive);
std::unique_ptr<Wire> stream_on(Machine& machine, Socket connection, Wire::Receive receive);

// A datagram a frame, to one address, or to the socket's own peer.
std::unique_ptr<Wire> datagrams(Machine& machine, Socket socket, std::optional<SocketAddress> to,
                                std::string description, Wire::Receive receive);

}  // namespace backplane
