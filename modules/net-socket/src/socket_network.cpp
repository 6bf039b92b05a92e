// SPDX-License-Identifier: MIT
// "net-socket": frames to another machine through a socket, by its short properties.
#include <algorithm>

#include "backplane/descriptors.h"
#include "backplane/error.h"
#include "backplane/machine.h"
#include "wire_network.h"

namespace backplane {

BACKPLANE_REGISTER_ABSTRACT(WireNetwork)

class SocketNetwork final : public WireNetwork {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&SocketNetwork::listen_>("listen", "[HOST]:PORT: wait for a peer there (TCP)");
    k.property<&SocketNetwork::connect_>("connect", "HOST:PORT of a peer that listens");
    k.property<&SocketNetwork::group_>("mcast", "GROUP:PORT: all that are in a multicast group");
    k.property<&SocketNetwork::udp_>("udp", "HOST:PORT of a peer for datagrams");
    k.property<&SocketNetwork::local_>(
        "localaddr", "of mcast: this host's address there; of udp: HOST:PORT of this side");
    k.property<&SocketNetwork::fd_>("fd", "an open socket: its number, or its name (getfd)");
  }

 protected:
  std::unique_ptr<Wire> connect() override;

 private:
  std::unique_ptr<Wire> adopt();

  std::string listen_;
  std::string connect_;
  std::string group_;
  std::string udp_;
  std::string local_;
  std::string fd_;
};

std::unique_ptr<Wire> SocketNetwork::connect() {
  const std::string* const ways[] = {&listen_, &connect_, &group_, &udp_, &fd_};
  if (std::count_if(std::begin(ways), std::end(ways),
                    [](const auto* way) { return !way->empty(); }) != 1)
    throw Error("expects one of listen=, connect=, mcast=, udp= and fd=");
  if (!local_.empty() && group_.empty() && udp_.empty())
    throw Error("localaddr= is for mcast= and udp=");
  if (!listen_.empty()) return stream_at(machine(), SocketPlace::parse(listen_), receiver());
  if (!connect_.empty()) return stream_to(machine(), SocketPlace::parse(connect_), 0, receiver());
  if (!group_.empty()) {
    const SocketPlace group = SocketPlace::parse(group_);
    return datagrams(machine(), join_group(group, local_),
                     look_up(group, SOCK_DGRAM, Purpose::Reach),
                     fmt::format("in the group {}", group.text()), receiver());
  }
  if (udp_.empty()) return adopt();
  if (local_.empty()) throw Error("udp= expects localaddr=HOST:PORT, where frames arrive");
  const SocketPlace peer = SocketPlace::parse(udp_);
  return datagrams(machine(), bind_at(SocketPlace::parse(local_)),
                   look_up(peer, SOCK_DGRAM, Purpose::Reach),
                   fmt::format("datagrams from {} to {}", local_, peer.text()), receiver());
}

std::unique_ptr<Wire> SocketNetwork::adopt() {
  Socket given(descriptors::take(fd_));
  if (given.is_stream()) return stream_on(machine(), std::move(given), receiver());
  return datagrams(machine(), std::move(given), std::nullopt,
                   fmt::format("datagrams on descriptor {}", fd_), receiver());
}

BACKPLANE_TYPE(SocketNetwork, "net-socket", .description = "Another machine, through a socket")

}  // namespace backplane

BACKPLANE_MODULE("net-socket", "0.1", "Networks by sockets to other machines")
