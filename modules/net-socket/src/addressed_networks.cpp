// SPDX-License-Identifier: MIT
// "net-stream" and "net-dgram": the same wires by addresses in parts, as programs write them.
#include "backplane/descriptors.h"
#include "backplane/error.h"
#include "backplane/machine.h"
#include "wire_network.h"

namespace backplane {

namespace {

constexpr unsigned kLongest = 3600;  // seconds between two attempts

// An address in parts: properties "addr.type", "addr.path", ...
struct AddressParts {
  std::string type;
  std::string path;
  std::string host;
  std::string port;
  std::string fd;

  bool given() const { return !type.empty(); }
  bool is_fd() const { return type == "fd"; }
  // Throws Error that begins with the property.
  SocketPlace place(std::string_view prefix) const;
  Socket descriptor() const { return Socket(descriptors::take(fd)); }
};

SocketPlace AddressParts::place(std::string_view prefix) const {
  if (type == "unix") {
    if (path.empty()) throw Error::of("{}.path is missing", prefix);
    return {.path = path, .host = {}, .port = {}};
  }
  if (type != "inet") throw Error::of("{}.type={}: expects inet, unix or fd", prefix, type);
  if (port.empty()) throw Error::of("{}.port is missing", prefix);
  return {.path = {}, .host = host, .port = port};
}

}  // namespace

class StreamNetwork final : public WireNetwork {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&StreamNetwork::server_>("server", "wait for a peer instead of connecting to one");
    k.property<&StreamNetwork::reconnect_>("reconnect",
                                           "seconds until another attempt to connect; 0: none");
    k.property<&StreamNetwork::reconnect_ms_>("reconnect-ms", "the same in milliseconds");
    k.property<&StreamNetwork::type_>("addr.type", "inet, unix or fd");
    k.property<&StreamNetwork::path_>("addr.path", "of a socket file (unix)");
    k.property<&StreamNetwork::host_>("addr.host", "name or address (inet)");
    k.property<&StreamNetwork::port_>("addr.port", "number or service (inet)");
    k.property<&StreamNetwork::fd_>("addr.str", "an open socket: its number, or its name (fd)");
  }

 protected:
  std::unique_ptr<Wire> connect() override {
    const AddressParts parts{type_, path_, host_, port_, fd_};
    if (!parts.given()) throw Error("addr.type is missing: expects inet, unix or fd");
    if (reconnect_ != 0 && reconnect_ms_ != 0)
      throw Error("reconnect= and reconnect-ms= exclude each other");
    if (reconnect_ > kLongest)
      throw Error::of("reconnect={}: expects at most {}", reconnect_, kLongest);
    const unsigned reconnect = reconnect_ * 1000 + reconnect_ms_;
    if (reconnect != 0 && (server_ || parts.is_fd()))
      throw Error("reconnect= is not for server=on, nor for a descriptor");
    if (parts.is_fd()) return stream_on(machine(), parts.descriptor(), receiver());
    const SocketPlace place = parts.place("addr");
    return server_ ? stream_at(machine(), place, receiver())
                   : stream_to(machine(), place, reconnect, receiver());
  }

 private:
  bool server_ = false;
  u32 reconnect_ = 0;
  u32 reconnect_ms_ = 0;
  std::string type_;
  std::string path_;
  std::string host_;
  std::string port_;
  std::string fd_;
};

class DgramNetwork final : public WireNetwork {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&DgramNetwork::local_type_>("local.type", "inet, unix or fd: where frames arrive");
    k.property<&DgramNetwork::local_path_>("local.path", "of a socket file (unix)");
    k.property<&DgramNetwork::local_host_>("local.host", "name or address (inet)");
    k.property<&DgramNetwork::local_port_>("local.port", "number or service (inet)");
    k.property<&DgramNetwork::local_fd_>("local.str",
                                         "an open socket: its number, or its name (fd)");
    k.property<&DgramNetwork::remote_type_>("remote.type", "inet or unix: where frames go");
    k.property<&DgramNetwork::remote_path_>("remote.path", "of a socket file (unix)");
    k.property<&DgramNetwork::remote_host_>("remote.host",
                                            "name, address, or that of a multicast group (inet)");
    k.property<&DgramNetwork::remote_port_>("remote.port", "number or service (inet)");
  }

 protected:
  std::unique_ptr<Wire> connect() override {
    const AddressParts local{local_type_, local_path_, local_host_, local_port_, local_fd_};
    const AddressParts remote{remote_type_, remote_path_, remote_host_, remote_port_, {}};
    if (!local.given() && !remote.given())
      throw Error("local.type or remote.type is missing: expects inet, unix or fd");
    if (local.is_fd()) {
      std::optional<SocketAddress> to;
      if (remote.given()) to = look_up(remote.place("remote"), SOCK_DGRAM, Purpose::Reach);
      return datagrams(machine(), local.descriptor(), to,
                       fmt::format("datagrams on descriptor {}", local_fd_), receiver());
    }
    if (!remote.given()) throw Error("remote.type is missing: expects inet or unix");
    const SocketPlace there = remote.place("remote");
    const SocketAddress to = look_up(there, SOCK_DGRAM, Purpose::Reach);
    // Without an address of its own it is in the group of the other one.
    if (!local.given())
      return datagrams(machine(), join_group(there, {}), to,
                       fmt::format("in the group {}", there.text()), receiver());
    const SocketPlace here = local.place("local");
    return datagrams(machine(), bind_at(here), to,
                     fmt::format("datagrams from {} to {}", here.text(), there.text()), receiver());
  }

 private:
  std::string local_type_;
  std::string local_path_;
  std::string local_host_;
  std::string local_port_;
  std::string local_fd_;
  std::string remote_type_;
  std::string remote_path_;
  std::string remote_host_;
  std::string remote_port_;
};

BACKPLANE_TYPE(StreamNetwork, "net-stream", .description = "Another machine, through a stream")
BACKPLANE_TYPE(DgramNetwork, "net-dgram", .description = "Other machines, through datagrams")

}  // namespace backplane
