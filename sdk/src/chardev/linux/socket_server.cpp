// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"
#include "backplane/log.h"
#include "chardev/linux/socket_chardev.h"

namespace backplane {

namespace {

class SocketServer final : public SocketEnd {
 public:
  SocketServer(SocketChardev& device, Listener listener, bool wait)
      : device_(device),
        address_(std::move(listener.address)),
        listener_(std::move(listener.fd)),
        handed_over_(listener.handed_over) {
    if (address_.path.empty()) address_ = local_address(listener_.get());
    if (wait) wait_for_peer();
    if (!device_.connected()) let_next_in();
  }
  ~SocketServer() override {
    if (!address_.path.empty() && !handed_over_) unlink(address_.path.c_str());
  }

  std::string describe() const override {
    return address_.text() + ",server=on" + (device_.connected() ? " (connected)" : " (waiting)");
  }
  void peer_left() override {
    device_.disconnect();
    let_next_in();
  }

 private:
  void wait_for_peer() {
    log::report("waiting for a connection to " + address_.text() +
                " (wait=off would not wait for one)");
    while (!device_.connected()) {
      pollfd ready{.fd = listener_.get(), .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, -1) < 0)
        throw Error::system("nobody has connected to " + address_.text(), errno);
      accept_peer();
    }
  }

  void let_next_in() {
    watch_ = device_.loop().watch(listener_.get(), MainLoop::kReadable,
                                  [this](unsigned) { accept_peer(); });
  }

  void accept_peer() {
    UniqueFd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!peer) return;
    if (address_.path.empty()) {
      const int on = 1;
      setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    try {
      device_.use(std::move(peer));
    } catch (const Error&) {
      return;
    }
    watch_.reset();
  }

  SocketChardev& device_;
  SocketAddress address_;
  UniqueFd listener_;
  bool handed_over_;
  MainLoop::WatchHandle watch_{nullptr, nullptr};
};

}  // namespace

Listener listening(UniqueFd fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0)
    throw Error::system("fd=", errno);
  if (listens == 0) throw Error("fd=: the socket does not listen, as server=on has it");
  fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  SocketAddress address = local_address(fd.get());
  return {std::move(address), std::move(fd), true};
}

std::unique_ptr<SocketEnd> listen_for_peers(SocketChardev& device, Listener listener, bool wait) {
  return std::make_unique<SocketServer>(device, std::move(listener), wait);
}

}  // namespace backplane
