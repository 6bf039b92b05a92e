// SPDX-License-Identifier: MIT
#include "chardev/linux/socket_address.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "backplane/error.h"

namespace backplane {

namespace {

constexpr int kBacklog = 1;

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList resolve(const SocketAddress& address, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  const char* const host = address.host.empty() ? nullptr : address.host.c_str();
  const int result = getaddrinfo(host, address.port.c_str(), &hints, &list);
  if (result != 0)
    throw Error::of("{}: {}", address.text(),
                    result == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(result));
  return {list, &freeaddrinfo};
}

sockaddr_un unix_address(const SocketAddress& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.path.size() >= sizeof name.sun_path)
    throw Error::of("{}: a socket's path has at most {} bytes", address.text(),
                    sizeof name.sun_path - 1);
  std::memcpy(name.sun_path, address.path.data(), address.path.size());
  return name;
}

UniqueFd new_socket(int family) { return UniqueFd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

void set_flag(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

UniqueFd nonblocking(UniqueFd fd) {
  fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  return fd;
}

// Whether the path is a socket that refuses connections, as one does whose program has ended.
bool is_abandoned(const SocketAddress& address, const sockaddr_un& name) {
  struct stat status {};
  if (lstat(address.path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const UniqueFd probe = new_socket(AF_UNIX);
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 &&
         errno == ECONNREFUSED;
}

// Every address of the host, of both families where the host has both.
UniqueFd listen_everywhere(const std::string& port) {
  const AddressList list = resolve({.path = {}, .host = "::", .port = port}, AI_PASSIVE);
  UniqueFd fd = new_socket(AF_INET6);
  const int off = 0;
  if (fd) set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (fd && setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0 &&
      bind(fd.get(), list->ai_addr, list->ai_addrlen) == 0 && ::listen(fd.get(), kBacklog) == 0)
    return fd;
  return {};
}

bool bind_and_listen(int fd, const sockaddr* name, socklen_t size) {
  return bind(fd, name, size) == 0 && ::listen(fd, kBacklog) == 0;
}

}  // namespace

std::string SocketAddress::text() const {
  if (!path.empty()) return "unix:" + path;
  const bool brackets = host.find(':') != std::string::npos;
  return brackets ? fmt::format("tcp:[{}]:{}", host, port) : fmt::format("tcp:{}:{}", host, port);
}

UniqueFd SocketAddress::listen() const {
  int error = 0;
  if (!path.empty()) {
    const sockaddr_un name = unix_address(*this);
    if (is_abandoned(*this, name)) unlink(path.c_str());
    UniqueFd fd = new_socket(AF_UNIX);
    if (fd && bind_and_listen(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name))
      return nonblocking(std::move(fd));
    error = errno;
  } else {
    if (host.empty())
      if (UniqueFd fd = listen_everywhere(port)) return nonblocking(std::move(fd));
    const AddressList list = resolve(*this, AI_PASSIVE);
    for (const addrinfo* info = list.get(); info != nullptr; info = info->ai_next) {
      UniqueFd fd = new_socket(info->ai_family);
      if (fd) set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR);
      if (fd && bind_and_listen(fd.get(), info->ai_addr, info->ai_addrlen))
        return nonblocking(std::move(fd));
      error = errno;
    }
  }
  throw Error::system("cannot listen on " + text(), error);
}

UniqueFd SocketAddress::connect() const {
  int error = 0;
  if (!path.empty()) {
    const sockaddr_un name = unix_address(*this);
    UniqueFd fd = new_socket(AF_UNIX);
    if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0)
      return nonblocking(std::move(fd));
    error = errno;
  } else {
    const AddressList list = resolve(*this, 0);
    for (const addrinfo* info = list.get(); info != nullptr; info = info->ai_next) {
      UniqueFd fd = new_socket(info->ai_family);
      if (fd && ::connect(fd.get(), info->ai_addr, info->ai_addrlen) == 0) {
        set_flag(fd.get(), IPPROTO_TCP, TCP_NODELAY);
        return nonblocking(std::move(fd));
      }
      error = errno;
    }
  }
  throw Error::system("cannot connect to " + text(), error);
}

SocketAddress local_address(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return {};
  if (name.ss_family == AF_UNIX)
    return {.path = reinterpret_cast<const sockaddr_un&>(name).sun_path, .host = {}, .port = {}};
  if (getnameinfo(reinterpret_cast<sockaddr*>(&name), size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  return {.path = {}, .host = host, .port = port};
}

}  // namespace backplane
