// SPDX-License-Identifier: MIT
// Where viewers connect to: sockets of the host.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "backplane/types.h"

namespace backplane::vnc {

// A descriptor that is closed with the object.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { reset(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// "[HOST]:NUMBER" or "unix:PATH" of -vnc.
struct Address {
  std::string path;
  std::string host;  // empty: this host alone
  u32 number = 0;    // of the display

  bool is_unix() const { return !path.empty(); }
};
// Throws Error.
Address parse_address(const std::string& text);

// Sockets that listen at a TCP port of all addresses that the host's name stands for. Throws Error.
// None where the port is in use, if that is allowed.
std::vector<Socket> listen_tcp(const std::string& host, u32 port, bool may_be_in_use);
// The same of a socket file; one that is left over is replaced. Throws Error.
Socket listen_unix(const std::string& path);

// The next connection, which does not block; none if there is none.
Socket accept_from(const Socket& listener);
// Who is at the other end of a connection: host and service, of TCP.
std::pair<std::string, std::string> peer_of(const Socket& connection);

}  // namespace backplane::vnc
