// SPDX-License-Identifier: MIT
#include "wire/place.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <vector>

#include "backplane/error.h"
#include "wire/protocol.h"

namespace backplane::nbd {

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  bool operator==(const Address& other) const {
    return size == other.size && std::memcmp(&storage, &other.storage, size) == 0;
  }
};

Address unix_address(const Place& place) {
  Address address;
  auto& name = reinterpret_cast<sockaddr_un&>(address.storage);
  if (place.path.size() >= sizeof name.sun_path)
    throw Error::of("{}: a socket's path has at most {} bytes", place.text(),
                    sizeof name.sun_path - 1);
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, place.path.data(), place.path.size());
  address.size = sizeof name;
  return address;
}

// getaddrinfo() takes any number, and what is left of it in 16 bits.
void expect_port(const std::string& port) {
  if (port.find_first_not_of("0123456789") != std::string::npos) return;
  u32 number = 0;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  if (parsed.ec != std::errc() || number < 1 || number > 65535)
    throw Error::of("port '{}': expects 1 to 65535, or a service's name", port);
}

std::vector<Address> look_up(const Place& place, bool to_listen) {
  if (!place.path.empty()) return {unix_address(place)};
  expect_port(place.port);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = to_listen ? AI_PASSIVE : 0;
  addrinfo* list = nullptr;
  const int result = getaddrinfo(place.host.empty() ? nullptr : place.host.c_str(),
                                 place.port.c_str(), &hints, &list);
  if (result != 0)
    throw Error::of("{}: {}", place.text(),
                    result == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(result));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    Address address;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
    addresses.push_back(address);
  }
  return addresses;
}

// A socket file of a program that has ended is in the way of the next one.
void remove_abandoned(const Place& place, const Address& address) {
  struct stat status {};
  if (lstat(place.path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const Socket probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(probe.fd(), address.raw(), address.size) != 0 && errno == ECONNREFUSED)
    unlink(place.path.c_str());
}

// 0 or an errno.
int listen_at_one(const Address& address, Socket& made) {
  constexpr int kWaiting = 16;  // those that are not accepted yet
  const int family = address.storage.ss_family;
  made = Socket(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (made.fd() < 0) return errno;
  const int on = 1;
  if (family != AF_UNIX) setsockopt(made.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // The other family has a socket of its own.
  if (family == AF_INET6) setsockopt(made.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const bool listens =
      bind(made.fd(), address.raw(), address.size) == 0 && listen(made.fd(), kWaiting) == 0;
  return listens ? 0 : errno;
}

// 0 or an errno.
int connect_until(const Socket& socket, const Address& address, Deadline deadline) {
  const int flags = fcntl(socket.fd(), F_GETFL);
  fcntl(socket.fd(), F_SETFL, flags | O_NONBLOCK);
  int error = connect(socket.fd(), address.raw(), address.size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd one{.fd = socket.fd(), .events = POLLOUT, .revents = 0};
    int ready;
    do {
      ready = poll(&one, 1, milliseconds_until(deadline));
    } while (ready < 0 && errno == EINTR);
    socklen_t size = sizeof error;
    if (ready == 0)
      error = ETIMEDOUT;
    else
      getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  }
  fcntl(socket.fd(), F_SETFL, flags);
  return error;
}

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  const char lower = static_cast<char>(letter | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "%2F" is "/".
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0)
      throw Error::of("'{}': expects two hexadecimal digits after %", text);
    plain += static_cast<char>(high << 4 | low);
    at += 2;
  }
  return plain;
}

std::string escaped(std::string_view text) {
  std::string shown;
  for (const char letter : text) {
    const bool plain = letter > ' ' && letter < 0x7f && letter != '%' && letter != '?' &&
                       letter != '#' && letter != '&';
    shown += plain ? std::string(1, letter) : fmt::format("%{:02X}", static_cast<u8>(letter));
  }
  return shown;
}

// "HOST", "HOST:PORT", "[IPV6]:PORT".
void split_authority(std::string_view text, Place& place) {
  std::size_t end = text.size();
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == std::string_view::npos) throw Error::of("'{}': the ] is missing", text);
  if (const std::size_t colon = text.find(':', bracket); colon != std::string_view::npos) {
    place.port = text.substr(colon + 1);
    end = colon;
  }
  if (place.port.empty()) place.port = kDefaultPort;
  std::string_view host = text.substr(0, end);
  if (bracket != 0) host = host.substr(1, bracket - 1);
  place.host = unescaped(host);
}

ExportName parse_uri(std::string_view scheme, std::string_view rest) {
  ExportName named;
  std::string_view query;
  if (const std::size_t mark = rest.find('?'); mark != std::string_view::npos) {
    query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  if (slash < rest.size()) named.name = unescaped(rest.substr(slash + 1));
  if (scheme == "nbd") {
    if (!query.empty()) throw Error::of("'?{}': nothing can be asked of nbd://", query);
    split_authority(rest.substr(0, slash), named.place);
    return named;
  }
  constexpr std::string_view kSocket = "socket=";
  if (scheme != "nbd+unix")
    throw Error::of("{}://: expects nbd://HOST[:PORT][/EXPORT] or nbd+unix:///[EXPORT]?socket=PATH",
                    scheme);
  if (slash != 0 || !query.starts_with(kSocket) || query.size() == kSocket.size() ||
      query.find('&') != std::string_view::npos)
    throw Error("expects nbd+unix:///[EXPORT]?socket=PATH");
  named.place.path = unescaped(query.substr(kSocket.size()));
  return named;
}

ExportName parse_before_uris(std::string_view rest) {
  ExportName named;
  constexpr std::string_view kExport = ":exportname=";
  if (const std::size_t at = rest.find(kExport); at != std::string_view::npos) {
    named.name = rest.substr(at + kExport.size());
    rest = rest.substr(0, at);
  }
  constexpr std::string_view kUnix = "unix:";
  if (rest.starts_with(kUnix)) {
    named.place.path = rest.substr(kUnix.size());
    if (named.place.path.empty()) throw Error("nbd:unix: expects a path");
  } else {
    split_authority(rest, named.place);
  }
  return named;
}

}  // namespace

std::string Place::text() const {
  if (!path.empty()) return "unix:" + path;
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

ExportName ExportName::parse(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  const std::string_view scheme = uri.substr(0, std::min(colon, uri.size()));
  const std::string_view rest = uri.substr(std::min(scheme.size() + 1, uri.size()));
  constexpr std::string_view kSlashes = "//";
  try {
    return rest.starts_with(kSlashes) || scheme != "nbd"
               ? parse_uri(scheme, rest.substr(std::min(rest.size(), kSlashes.size())))
               : parse_before_uris(rest);
  } catch (const Error& error) {
    throw error.in(shown(uri));
  }
}

std::string ExportName::uri() const {
  if (!place.path.empty())
    return fmt::format("nbd+unix:///{}?socket={}", escaped(name), escaped(place.path));
  return fmt::format("nbd://{}{}{}", place.text(), name.empty() ? "" : "/", escaped(name));
}

std::vector<Socket> listen_at(const Place& place) {
  std::vector<Socket> sockets;
  int missing = EADDRNOTAVAIL;
  const std::vector<Address> addresses = look_up(place, true);
  for (auto address = addresses.begin(); address != addresses.end(); ++address) {
    // A file of names may have one twice.
    if (std::find(addresses.begin(), address, *address) != address) continue;
    if (!place.path.empty()) remove_abandoned(place, *address);
    Socket made;
    const int error = listen_at_one(*address, made);
    if (error == 0)
      sockets.push_back(std::move(made));
    else if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT)
      missing = error;  // this host need not have all that a name stands for
    else
      throw Error::system("cannot listen on " + place.text(), error);
  }
  if (sockets.empty()) throw Error::system("cannot listen on " + place.text(), missing);
  return sockets;
}

Socket connect_to(const Place& place, Deadline deadline) {
  int error = 0;
  const std::vector<Address> addresses = look_up(place, false);
  // One that does not answer is not to take the time of the others, nor of what follows.
  auto shares = static_cast<i64>(addresses.size()) + 1;
  for (const Address& address : addresses) {
    Deadline until = deadline;
    if (deadline) {
      const auto now = std::chrono::steady_clock::now();
      until = now + (*deadline - now) / shares--;
    }
    Socket made(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    error = made.fd() < 0 ? errno : connect_until(made, address, until);
    if (error == 0) return made;
  }
  throw Error::system("cannot connect to " + place.text(), error);
}

}  // namespace backplane::nbd
