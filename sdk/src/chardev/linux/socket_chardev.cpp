// SPDX-License-Identifier: MIT
#include "chardev/linux/socket_chardev.h"

#include <fcntl.h>

#include <cerrno>

#include "backplane/descriptors.h"
#include "backplane/error.h"

namespace backplane {

namespace {

constexpr int kPatience = 1'000;     // milliseconds, at the end of the program
constexpr int kParting = 100;        // milliseconds, when a peer has said its last word
constexpr unsigned kLongest = 3600;  // seconds between two attempts

}  // namespace

void SocketChardev::class_init(ObjectClass& k) {
  k.property<&SocketChardev::path_>("path", "of a socket file");
  k.property<&SocketChardev::host_>(
      "host", "name or address; none: this machine, for a server all its addresses");
  k.property<&SocketChardev::port_>("port", "number or service");
  k.property<&SocketChardev::fd_>(
      "fd", "number, or name, of a socket that another program has handed over");
  k.property<&SocketChardev::server_>("server", "wait for peers instead of connecting to one");
  k.property<&SocketChardev::wait_>("wait", "of a server: the guest starts with its first peer");
  k.property<&SocketChardev::reconnect_>("reconnect",
                                         "seconds until another attempt to connect; 0: none");
  k.property<&SocketChardev::reconnect_ms_>("reconnect-ms", "the same in milliseconds");
}

SocketChardev::~SocketChardev() {
  if (end_ != nullptr) finish_output(kPatience);
}

void SocketChardev::open() {
  if (!fd_.empty() && (!path_.empty() || !host_.empty() || !port_.empty()))
    throw Error("fd= and an address exclude each other");
  if (fd_.empty() && path_.empty() == port_.empty())
    throw Error("expects either a path, or a host and a port, or fd=");
  if (!path_.empty() && !host_.empty()) throw Error("a path and a host exclude each other");
  if (reconnect_ != 0 && reconnect_ms_ != 0)
    throw Error("reconnect= and reconnect-ms= exclude each other");
  if (reconnect_ > kLongest || reconnect_ms_ > kLongest * 1000)
    throw Error::of("{}={}: expects at most {}",
                    reconnect_ > kLongest ? "reconnect" : "reconnect-ms",
                    reconnect_ > kLongest ? reconnect_ : reconnect_ms_,
                    reconnect_ > kLongest ? kLongest : kLongest * 1000);
  const SocketAddress address{path_, host_, port_};
  const unsigned reconnect = reconnect_ * 1000 + reconnect_ms_;
  if (!server_) {
    if (wait_ != OnOffAuto::Auto) throw Error("wait= is for server=on");
    if (!fd_.empty() && reconnect != 0) throw Error("reconnect= is not for fd=");
    if (!fd_.empty()) {
      end_ = keep_to_peer(*this, UniqueFd(descriptors::take(fd_)));
      return;
    }
    end_ = connect_to_peer(*this, address, reconnect);
    return;
  }
  if (reconnect != 0) throw Error("reconnect= is not for server=on");
  if (!fd_.empty()) {
    end_ = listen_for_peers(*this, listening(UniqueFd(descriptors::take(fd_))),
                            wait_ != OnOffAuto::Off);
    return;
  }
  end_ = listen_for_peers(*this, Listener{address, address.listen()}, wait_ != OnOffAuto::Off);
}

void SocketChardev::end_of_input() {
  finish_output(kParting);
  end_->peer_left();
}

void SocketChardev::use(UniqueFd connection) {
  UniqueFd output(fcntl(connection.get(), F_DUPFD_CLOEXEC, 3));
  if (!output) throw Error::system("cannot duplicate a socket", errno);
  connect(std::move(connection), std::move(output));
}

BACKPLANE_TYPE(SocketChardev, "chardev-socket", .description = "A stream socket: unix or TCP")

}  // namespace backplane
