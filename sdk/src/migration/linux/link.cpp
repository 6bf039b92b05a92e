// SPDX-License-Identifier: MIT
#include "migration/link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"
#include "chardev/linux/connection_attempt.h"
#include "chardev/linux/socket_address.h"

namespace backplane {

namespace {

SocketAddress address_of(std::string_view place) {
  constexpr std::string_view kUnix = "unix:", kTcp = "tcp:";
  SocketAddress address;
  if (place.starts_with(kUnix)) address.path = place.substr(kUnix.size());
  if (place.starts_with(kTcp)) {
    const std::string_view rest = place.substr(kTcp.size());
    const std::size_t colon = rest.rfind(':');
    if (colon != std::string_view::npos) {
      std::string_view host = rest.substr(0, colon);
      if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
      address.host = host;
      address.port = rest.substr(colon + 1);
    }
  }
  if (address.path.empty() && address.port.empty())
    throw Error::of("'{}': expects file:PATH, unix:PATH or tcp:HOST:PORT", place);
  return address;
}

class SocketLink final : public MigrationLink {
 public:
  explicit SocketLink(std::string_view place) : place_(place), address_(address_of(place)) {
    cancelled_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!cancelled_) throw Error::system("cannot create an event", errno);
  }

  void connect() override {
    ConnectionAttempt attempt(address_);
    wait(attempt.fd(), POLLIN);
    if (const auto error = attempt.failure()) throw Error(*error);
    use(attempt.take());
  }

  void accept() override {
    const UniqueFd listener = address_.listen();
    UniqueFd peer;
    while (!peer) {
      wait(listener.get(), POLLIN);
      peer = UniqueFd(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    }
    if (!address_.path.empty()) unlink(address_.path.c_str());
    use(std::move(peer));
  }

  void put(std::span<const u8> bytes) override {
    while (!bytes.empty()) {
      const ssize_t done = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (done >= 0)
        bytes = bytes.subspan(static_cast<std::size_t>(done));
      else if (errno == EAGAIN)
        wait(fd_.get(), POLLOUT);
      else if (errno != EINTR)
        throw Error::system(place_, errno);
    }
  }

  void get(std::span<u8> bytes) override {
    while (!bytes.empty()) {
      const ssize_t done = recv(fd_.get(), bytes.data(), bytes.size(), 0);
      if (done > 0)
        bytes = bytes.subspan(static_cast<std::size_t>(done));
      else if (done == 0)
        throw Error::of("{}: the other program has ended the connection", place_);
      else if (errno == EAGAIN)
        wait(fd_.get(), POLLIN);
      else if (errno != EINTR)
        throw Error::system(place_, errno);
    }
  }

  void set_limit(std::optional<int> milliseconds) override { limit_ = milliseconds; }

  bool is_connected() const override { return static_cast<bool>(fd_); }

  void close() override { fd_.reset(); }

  bool has_answer() override {
    pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    return poll(&ready, 1, 0) > 0;
  }

  void cancel() override { eventfd_write(cancelled_.get(), 1); }
  const std::string& place() const override { return place_; }

 private:
  void use(UniqueFd peer) {
    fd_ = std::move(peer);
    const int on = 1;
    if (address_.path.empty()) setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  void wait(int fd, short events) const {
    pollfd ready[] = {{.fd = cancelled_.get(), .events = POLLIN, .revents = 0},
                      {.fd = fd, .events = events, .revents = 0}};
    int count = 0;
    do {
      count = poll(ready, 2, limit_.value_or(-1));
    } while (count < 0 && errno == EINTR);
    if (count < 0) throw Error::system(place_, errno);
    if (count == 0) throw Error::of("{}: the other program does not answer", place_);
    if (ready[0].revents != 0) throw Error::of("{}: was cancelled", place_);
  }

  const std::string place_;
  const SocketAddress address_;
  UniqueFd cancelled_;
  UniqueFd fd_;
  std::optional<int> limit_;
};

}  // namespace

std::unique_ptr<MigrationLink> MigrationLink::to(std::string_view place) {
  return std::make_unique<SocketLink>(place);
}

}  // namespace backplane
