// SPDX-License-Identifier: MIT
#include "socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "backplane/error.h"

namespace backplane {

namespace {

Socket new_socket(const SocketAddress& address, int type, const SocketPlace& place) {
  Socket made(socket(address.family(), type | SOCK_CLOEXEC, 0));
  if (!made) throw Error::system(fmt::format("cannot make a socket for {}", place.text()), errno);
  const int on = 1;
  if (address.family() != AF_UNIX) setsockopt(made.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return made;
}

SocketAddress unix_address(const SocketPlace& place) {
  SocketAddress address;
  auto& name = reinterpret_cast<sockaddr_un&>(address.storage);
  if (place.path.size() >= sizeof name.sun_path)
    throw Error::of("{}: a socket's path has at most {} bytes", place.text(),
                    sizeof name.sun_path - 1);
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, place.path.data(), place.path.size());
  address.size = sizeof name;
  return address;
}

// A socket file of a program that has ended is in the way of the next one.
void remove_abandoned(const SocketPlace& place, const SocketAddress& address, int type) {
  struct stat status {};
  if (place.path.empty() || lstat(place.path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode))
    return;
  const Socket probe(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (connect(probe.fd(), address.raw(), address.size) != 0 && errno == ECONNREFUSED)
    unlink(place.path.c_str());
}

Socket bound(const SocketPlace& place, int type) {
  const SocketAddress address = look_up(place, type, Purpose::Listen);
  remove_abandoned(place, address, type);
  Socket made = new_socket(address, type, place);
  if (bind(made.fd(), address.raw(), address.size) != 0)
    throw Error::system(fmt::format("cannot use the address {}", place.text()), errno);
  return made;
}

}  // namespace

Socket::Socket(int fd) : fd_(fd) {
  if (fd_ >= 0) fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

bool Socket::is_stream() const {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd_, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

SocketPlace SocketPlace::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size())
    throw Error::of("'{}' is no address: expects HOST:PORT", text);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {.path = {}, .host = std::string(host), .port = std::string(text.substr(colon + 1))};
}

std::string SocketPlace::text() const {
  if (!path.empty()) return "unix:" + path;
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

SocketAddress look_up(const SocketPlace& place, int type, Purpose purpose) {
  if (!place.path.empty()) return unix_address(place);
  addrinfo hints{};
  hints.ai_family = place.host.empty() ? AF_INET : AF_UNSPEC;
  hints.ai_socktype = type;
  hints.ai_flags = purpose == Purpose::Listen ? AI_PASSIVE : 0;
  addrinfo* list = nullptr;
  const int result = getaddrinfo(place.host.empty() ? nullptr : place.host.c_str(),
                                 place.port.c_str(), &hints, &list);
  if (result != 0)
    throw Error::of("{}: {}", place.text(),
                    result == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(result));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  SocketAddress address;
  std::memcpy(&address.storage, list->ai_addr, list->ai_addrlen);
  address.size = list->ai_addrlen;
  return address;
}

Socket listen_at(const SocketPlace& place) {
  Socket made = bound(place, SOCK_STREAM);
  if (listen(made.fd(), 1) != 0)
    throw Error::system(fmt::format("cannot listen on {}", place.text()), errno);
  return made;
}

Socket bind_at(const SocketPlace& place) { return bound(place, SOCK_DGRAM); }

Socket join_group(const SocketPlace& group, const std::string& local) {
  const SocketAddress address = look_up(group, SOCK_DGRAM, Purpose::Reach);
  const auto& name = reinterpret_cast<const sockaddr_in&>(address.storage);
  if (address.family() != AF_INET || !IN_MULTICAST(ntohl(name.sin_addr.s_addr)))
    throw Error::of("{} is no group's address: expects one of 224.0.0.0 to 239.255.255.255",
                    group.text());
  Socket made = new_socket(address, SOCK_DGRAM, group);
  if (bind(made.fd(), address.raw(), address.size) != 0)
    throw Error::system(fmt::format("cannot use the address {}", group.text()), errno);
  ip_mreq membership{};
  membership.imr_multiaddr = name.sin_addr;
  if (!local.empty() && inet_pton(AF_INET, local.c_str(), &membership.imr_interface) != 1)
    throw Error::of("localaddr={}: expects an address of this host", local);
  // Other machines on this host are to hear it as well.
  const int on = 1;
  if (setsockopt(made.fd(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) != 0 ||
      setsockopt(made.fd(), IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof on) != 0)
    throw Error::system(fmt::format("cannot join the group {}", group.text()), errno);
  if (!local.empty())
    setsockopt(made.fd(), IPPROTO_IP, IP_MULTICAST_IF, &membership.imr_interface,
               sizeof membership.imr_interface);
  return made;
}

}  // namespace backplane
