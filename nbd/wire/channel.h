// SPDX-License-Identifier: MIT
// A connection: bytes in order, both ways.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "backplane/io_vector.h"
#include "backplane/types.h"

namespace backplane::nbd {

// Owns a socket, which blocks; none if it is -1.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket();
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// None: as long as it takes.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;
Deadline in_seconds(u32 seconds);
// For poll(): milliseconds, -1 if there is none.
int milliseconds_until(Deadline deadline);

// One thread at a time receives, and one at a time sends.
class Channel {
 public:
  explicit Channel(Socket socket);

  // What is received and sent after it has failed.
  void set_deadline(Deadline deadline) { deadline_ = deadline; }
  // The same for each single wait, from now on; 0: as long as it takes.
  void set_patience(u32 seconds);
  // Whether what has failed had waited for as long as it may. Whoever receives.
  bool was_too_late() const { return was_too_late_; }
  // All of it; false: the other side has gone, or it is too late.
  bool receive(void* data, std::size_t size);
  bool receive(std::span<const iovec> iov);
  bool skip(u64 size);
  bool send(std::span<const u8> bytes);
  bool send(std::span<const u8> head, std::span<const iovec> data);
  // Whoever receives or sends fails, now and from now on. Any thread.
  void stop();

 private:
  // Some of it; 0: no more.
  std::size_t receive_some(u8* data, std::size_t size);

  Socket socket_;
  Deadline deadline_;
  bool was_too_late_ = false;
  std::array<u8, 1024> ahead_;  // what came with what was asked for
  std::size_t ahead_begin_ = 0;
  std::size_t ahead_end_ = 0;
};

}  // namespace backplane::nbd
