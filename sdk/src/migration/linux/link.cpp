// SPDX-License-Identifier: MIT
#include "migration/link.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "backplane/descriptors.h"
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
    throw Error::of("'{}': expects file:PATH, unix:PATH, tcp:HOST:PORT or fd:NAME", place);
  return address;
}

// What waits for a descriptor, and can be cancelled.
class DescriptorLink : public MigrationLink {
 public:
  explicit DescriptorLink(std::string_view place) : place_(place) {
    cancelled_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!cancelled_) throw Error::system("cannot create an event", errno);
  }

  void put(std::span<const u8> bytes) override {
    while (!bytes.empty()) {
      const ssize_t done = send_some(bytes);
      if (done >= 0)
        bytes = bytes.subspan(static_cast<std::size_t>(done));
      else if (errno == EAGAIN)
        wait(fd(), POLLOUT);
      else if (errno != EINTR)
        throw Error::system(place_, errno);
    }
  }

  void get(std::span<u8> bytes) override {
    while (!bytes.empty()) {
      const ssize_t done = receive_some(bytes);
      if (done > 0)
        bytes = bytes.subspan(static_cast<std::size_t>(done));
      else if (done == 0)
        throw Error::of("{}: {}", place_, OwnText{std::string(end_of_input())});
      else if (errno == EAGAIN)
        wait(fd(), POLLIN);
      else if (errno != EINTR)
        throw Error::system(place_, errno);
    }
  }

  void set_limit(std::optional<int> milliseconds) override { limit_ = milliseconds; }

  bool is_connected() const override { return static_cast<bool>(fd_); }

  void close() override { fd_.reset(); }

  bool has_answer() override {
    pollfd ready{.fd = fd(), .events = POLLIN, .revents = 0};
    return poll(&ready, 1, 0) > 0;
  }

  void cancel() override { eventfd_write(cancelled_.get(), 1); }
  const std::string& place() const override { return place_; }

 protected:
  virtual ssize_t send_some(std::span<const u8> bytes) = 0;
  virtual ssize_t receive_some(std::span<u8> bytes) = 0;
  virtual std::string_view end_of_input() const = 0;

  int fd() const { return fd_.get(); }
  void use(UniqueFd fd) {
    fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
    fd_ = std::move(fd);
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

 private:
  const std::string place_;
  UniqueFd cancelled_;
  UniqueFd fd_;
  std::optional<int> limit_;
};

class SocketLink final : public DescriptorLink {
 public:
  explicit SocketLink(std::string_view place)
      : DescriptorLink(place), address_(address_of(place)) {}
  SocketLink(std::string_view place, UniqueFd connection) : DescriptorLink(place) {
    use(std::move(connection));
  }

  void connect() override {
    if (is_connected()) return;
    ConnectionAttempt attempt(address_);
    wait(attempt.fd(), POLLIN);
    if (const auto error = attempt.failure()) throw Error(*error);
    use_peer(attempt.take());
  }

  void accept() override {
    if (is_connected()) return;
    if (!listener_) listen();
    UniqueFd peer;
    while (!peer) {
      wait(listener_.get(), POLLIN);
      peer = UniqueFd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    }
    listener_.reset();
    if (!address_.path.empty()) unlink(address_.path.c_str());
    use_peer(std::move(peer));
  }

  void listen() override {
    if (!is_connected()) listener_ = address_.listen();
  }

 private:
  ssize_t send_some(std::span<const u8> bytes) override {
    return send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  ssize_t receive_some(std::span<u8> bytes) override {
    return recv(fd(), bytes.data(), bytes.size(), 0);
  }
  std::string_view end_of_input() const override {
    return "the other program has ended the connection";
  }

  void use_peer(UniqueFd peer) {
    const int on = 1;
    if (address_.path.empty()) setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    use(std::move(peer));
  }

  const SocketAddress address_;
  UniqueFd listener_;
};

// A pipe or a file that was handed over, at the place where its user has left it.
class StreamLink final : public DescriptorLink {
 public:
  StreamLink(std::string_view place, UniqueFd stream) : DescriptorLink(place) {
    // A reader that goes away is an error, not the end of the program.
    struct sigaction action {};
    if (sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL)
      signal(SIGPIPE, SIG_IGN);
    use(std::move(stream));
  }

  bool is_one_way() const override { return true; }
  void connect() override {}
  void accept() override {}
  void listen() override {}
  bool has_answer() override { return false; }

 private:
  ssize_t send_some(std::span<const u8> bytes) override {
    return write(fd(), bytes.data(), bytes.size());
  }
  ssize_t receive_some(std::span<u8> bytes) override {
    return read(fd(), bytes.data(), bytes.size());
  }
  std::string_view end_of_input() const override { return "ends too early: it is not complete"; }
};

std::unique_ptr<MigrationLink> link_of(std::string_view place, UniqueFd handed) {
  struct stat status {};
  if (fstat(handed.get(), &status) != 0) throw Error::system(std::string(place), errno);
  if (S_ISSOCK(status.st_mode)) return std::make_unique<SocketLink>(place, std::move(handed));
  return std::make_unique<StreamLink>(place, std::move(handed));
}

}  // namespace

std::unique_ptr<MigrationLink> MigrationLink::to(std::string_view place) {
  constexpr std::string_view kHanded = "fd:";
  if (place.starts_with(kHanded))
    return link_of(place, UniqueFd(descriptors::take(place.substr(kHanded.size()))));
  return std::make_unique<SocketLink>(place);
}

}  // namespace backplane
