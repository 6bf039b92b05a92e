// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "file/linux/unique_fd.h"

namespace backplane {

// Where a stream socket listens or connects to: a path of the file system, or a host and a port.
struct SocketAddress {
  std::string path;  // if this is empty, host and port count
  std::string host;  // empty: this machine; for a server, on all its addresses
  std::string port;  // a number or the name of a service

  // "unix:PATH" or "tcp:HOST:PORT".
  std::string text() const;

  // A listening socket, non-blocking. A socket file that nobody listens on any more is replaced.
  // Throws Error.
  UniqueFd listen() const;
  // A connected socket, non-blocking; waits for the connection. Throws Error.
  UniqueFd connect() const;
};

// The address that a socket got, for a port given as 0.
SocketAddress local_address(int fd);

}  // namespace backplane
