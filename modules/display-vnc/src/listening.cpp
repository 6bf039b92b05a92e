// SPDX-License-Identifier: MIT
#include "listening.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "backplane/error.h"
#include "backplane/property.h"

namespace backplane::vnc {

namespace {

constexpr int kBacklog = 8;
constexpr u32 kMostNumber = 0xffff - 5900;
constexpr std::string_view kUnix = "unix:";
constexpr const char* kThisHost = "localhost";

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

// A socket at one address; errno says what is wrong if it is none.
Socket listen_at(const addrinfo& where) {
  Socket socket(::socket(where.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return socket;
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (where.ai_family == AF_INET6)
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(socket.get(), where.ai_addr, where.ai_addrlen) != 0 ||
      listen(socket.get(), kBacklog) != 0) {
    const int error = errno;
    socket.reset();
    errno = error;
  }
  return socket;
}

}  // namespace

void Socket::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Address parse_address(const std::string& text) {
  Address address;
  if (text.starts_with(kUnix)) {
    address.path = text.substr(kUnix.size());
    if (address.path.empty()) throw Error("the path is missing: expects unix:PATH");
    return address;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw Error::of("'{}': expects [HOST]:NUMBER or unix:PATH", text);
  address.host = text.substr(0, colon);
  if (address.host.starts_with('[') && address.host.ends_with(']'))
    address.host = address.host.substr(1, address.host.size() - 2);
  try {
    address.number =
        static_cast<u32>(parse_unsigned(std::string_view(text).substr(colon + 1), 0, kMostNumber));
  } catch (const Error& error) {
    throw error.in("the display's number");
  }
  return address;
}

std::vector<Socket> listen_tcp(const std::string& host, u32 port, bool may_be_in_use) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string name = host.empty() ? kThisHost : host;
  if (const int error = getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found))
    throw Error::of("{}: {}", name, gai_strerror(error));
  const std::unique_ptr<addrinfo, FreeAddresses> owner(found);
  std::vector<Socket> sockets;
  int reason = EADDRNOTAVAIL;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Socket socket = listen_at(*at);
    if (socket) {
      sockets.push_back(std::move(socket));
    } else if (errno == EADDRINUSE) {
      if (may_be_in_use) return {};
      throw Error::system(fmt::format("{}:{}", name, port), errno);
    } else {
      reason = errno;  // a name may stand for addresses that this host does not have
    }
  }
  if (sockets.empty()) throw Error::system(fmt::format("{}:{}", name, port), reason);
  return sockets;
}

Socket listen_unix(const std::string& path) {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  if (path.size() >= sizeof where.sun_path)
    throw Error::of("unix:{}: a socket's path has at most {} bytes", path,
                    sizeof where.sun_path - 1);
  std::memcpy(where.sun_path, path.data(), path.size());
  const auto* const address = reinterpret_cast<const sockaddr*>(&where);
  Socket probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (probe && connect(probe.get(), address, sizeof where) != 0 && errno == ECONNREFUSED)
    unlink(path.c_str());
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || bind(socket.get(), address, sizeof where) != 0 ||
      listen(socket.get(), kBacklog) != 0)
    throw Error::system("unix:" + path, errno);
  return socket;
}

Socket accept_from(const Socket& listener) {
  Socket connection(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  const int on = 1;
  if (connection) setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connection;
}

std::pair<std::string, std::string> peer_of(const Socket& connection) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char host[NI_MAXHOST] = "", service[NI_MAXSERV] = "";
  if (getpeername(connection.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
      address.ss_family != AF_UNIX)
    getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, service,
                sizeof service, NI_NUMERICHOST | NI_NUMERICSERV);
  return {host, service};
}

}  // namespace backplane::vnc
