// SPDX-License-Identifier: MIT
// Sockets of the host's, of the kinds that carry frames.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <utility>

namespace backplane {

// Owns a socket that does not block; none if it is -1.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd);
  ~Socket();
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  bool is_stream() const;

 private:
  int fd_ = -1;
};

// Where a socket is: a path, or a host and a port.
struct SocketPlace {
  std::string path;
  std::string host;  // a name or an address; empty: all of this host's, or its loopback's
  std::string port;

  // "HOST:PORT", ":PORT" or "[IPV6]:PORT". Throws Error.
  static SocketPlace parse(std::string_view text);
  std::string text() const;
};

// An address that was looked up.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

enum class Purpose { Listen, Reach };
// Throws Error: it is malformed, or there is no such host.
SocketAddress look_up(const SocketPlace& place, int type, Purpose purpose);

// These throw Error that names the place.
Socket listen_at(const SocketPlace& place);
Socket bind_at(const SocketPlace& place);
// A socket for datagrams that has joined the group of that address, through the interface of
// `local` if that is not empty.
Socket join_group(const SocketPlace& group, const std::string& local);

}  // namespace backplane
