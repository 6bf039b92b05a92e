// SPDX-License-Identifier: MIT
// The other side of a connection, which says all that it has to say and takes what comes.
#pragma once

#include <sys/socket.h>

#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "../input.h"
#include "wire/channel.h"
#include "wire/fields.h"

namespace backplane::fuzz {

class Peer {
 public:
  Peer(nbd::Socket socket, std::vector<u8> says)
      : socket_(std::move(socket)), says_(std::move(says)), thread_([this] { run(); }) {}
  ~Peer() { thread_.join(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

 private:
  void run() {
    // In one go, so that whoever answers before all is said does not wait for this.
    std::thread speaker([this] {
      for (std::size_t done = 0; done < says_.size();) {
        const ssize_t sent =
            send(socket_.fd(), says_.data() + done, says_.size() - done, MSG_NOSIGNAL);
        if (sent <= 0) break;
        done += static_cast<std::size_t>(sent);
      }
      shutdown(socket_.fd(), SHUT_WR);
    });
    std::vector<u8> heard(64 << 10);
    while (recv(socket_.fd(), heard.data(), heard.size(), 0) > 0) {
    }
    // Nobody listens any more.
    shutdown(socket_.fd(), SHUT_RDWR);
    speaker.join();
  }

  nbd::Socket socket_;
  std::vector<u8> says_;
  std::thread thread_;
};

// A pair of ends.
inline std::pair<nbd::Socket, nbd::Socket> connected_sockets() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  return {nbd::Socket(ends[0]), nbd::Socket(ends[1])};
}

inline void append(std::vector<u8>& to, const nbd::FieldWriter& fields) {
  to.insert(to.end(), fields.bytes().begin(), fields.bytes().end());
}

inline void append_bytes(std::vector<u8>& to, Input& input, unsigned count) {
  for (; count != 0; --count) to.push_back(input.take<u8>());
}

// Mostly a number that means something, else any.
inline u64 number_like(Input& input, u64 meant) {
  const u8 how = input.take<u8>() % 64;
  if (how == 0) return input.take<u64>();
  if (how == 1) return meant + input.take<u8>();
  return meant;
}

}  // namespace backplane::fuzz
