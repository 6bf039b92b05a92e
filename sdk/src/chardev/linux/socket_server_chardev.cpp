// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "backplane/error.h"
#include "backplane/log.h"
#include "chardev/linux/socket_chardev.h"

namespace backplane {

namespace {

constexpr int kPatience = 1'000;  // milliseconds, at the end of the program
constexpr int kParting = 100;     // milliseconds, when a peer has said its last word

}  // namespace

SocketServerChardev::SocketServerChardev(MainLoop& loop, std::string id, SocketAddress address,
                                         bool wait)
    : StreamChardev(loop, std::move(id)),
      address_(std::move(address)),
      listener_(address_.listen()) {
  if (address_.path.empty()) address_ = local_address(listener_.get());
  if (wait) wait_for_peer();
  if (!connected()) let_next_in();
}

SocketServerChardev::~SocketServerChardev() {
  finish_output(kPatience);
  if (!address_.path.empty()) unlink(address_.path.c_str());
}

std::string SocketServerChardev::describe() const {
  return address_.text() + ",server=on" + (connected() ? " (connected)" : " (waiting)");
}

void SocketServerChardev::wait_for_peer() {
  log::report("waiting for a connection to " + address_.text() +
              " (wait=off would not wait for one)");
  while (!connected()) {
    pollfd ready{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, -1) < 0)
      throw Error::system("nobody has connected to " + address_.text(), errno);
    accept_peer();
  }
}

void SocketServerChardev::let_next_in() {
  watch_ = loop().watch(listener_.get(), MainLoop::kReadable, [this](unsigned) { accept_peer(); });
}

void SocketServerChardev::accept_peer() {
  UniqueFd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!peer) return;
  if (address_.path.empty()) {
    const int on = 1;
    setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  UniqueFd output(fcntl(peer.get(), F_DUPFD_CLOEXEC, 3));
  if (!output) return;
  watch_.reset();
  connect(std::move(peer), std::move(output));
}

void SocketServerChardev::end_of_input() {
  finish_output(kParting);
  disconnect();
  let_next_in();
}

void SocketServerChardev::output_failed(int) {
  disconnect();
  let_next_in();
}

}  // namespace backplane
