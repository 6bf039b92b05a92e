// SPDX-License-Identifier: MIT
// Where a server is, and which of its exports is meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/channel.h"

namespace backplane::nbd {

struct Place {
  std::string path;  // of a Unix socket; empty: a host and a port
  std::string host;  // a name or an address; empty: all of this host's, or its loopback's
  std::string port;  // a number or a service's name

  // "unix:PATH", "HOST:PORT" or "[IPV6]:PORT".
  std::string text() const;
};

struct ExportName {
  Place place;
  std::string name;

  // "nbd://HOST[:PORT][/EXPORT]", "nbd+unix:///[EXPORT]?socket=PATH", and as it was written before
  // there were URIs, "nbd:HOST:PORT[:exportname=EXPORT]" and "nbd:unix:PATH[:exportname=EXPORT]".
  // Throws Error.
  static ExportName parse(std::string_view uri);
  std::string uri() const;
};

// Throw Error that names the place. What listens does not block, and is a socket for each address
// that the place stands for and this host has.
std::vector<Socket> listen_at(const Place& place);
Socket connect_to(const Place& place, Deadline deadline);

}  // namespace backplane::nbd
