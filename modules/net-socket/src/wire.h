// SPDX-License-Identifier: MIT
// What carries frames to another program and back. Machine lock.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "backplane/io_vector.h"
#include "backplane/types.h"
#include "socket.h"

namespace backplane {

class Machine;

class Wire {
 public:
  using Receive = std::function<void(std::span<const u8> frame)>;

  virtual ~Wire() = default;
  // Frames that the other side does not take in time are lost.
  virtual void send(std::span<const iovec> frame) = 0;
  // "listening at ...".
  virtual std::string describe() const = 0;
};

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
