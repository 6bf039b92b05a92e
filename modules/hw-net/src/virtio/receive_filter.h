// SPDX-License-Identifier: MIT
// Which frames the driver wants. [virtio-1.2 §5.1.6.5.1 "Packet Receive Filtering", 5.1.6.5.2
// "Setting MAC Address Filtering", 5.1.6.5.3 "VLAN Filtering"]
#pragma once

#include <bitset>
#include <span>
#include <vector>

#include "backplane/netdev.h"
#include "backplane/state.h"
#include "backplane/value.h"
#include "virtio/net_regs.h"

namespace backplane {

class ReceiveFilter {
 public:
  // What a driver that says nothing gets: the frames for this address, and all to groups.
  explicit ReceiveFilter(const MacAddress& own = {}) : burnt_in_(own) { reset(); }
  void reset() { state_ = {.own = burnt_in_}; }
  static std::span<const StateMember> members();

  const MacAddress& own_address() const { return state_.own; }
  bool accepts(std::span<const u8> frame) const;
  // A record in the words of QEMU's query-rx-filter.
  Value describe() const;

  // A command of the driver's with its data, [virtio-1.2 §5.1.6.5 "Control Virtqueue"]. False if it
  // makes no sense; nothing is changed then.
  bool command(const virtio_net::ControlHeader& header, std::span<const u8> data);
  // From now on frames of VLANs pass only if the driver asked for theirs.
  void filter_vlans() { state_.vlans_filtered = true; }
  void set_own_address(const MacAddress& own) { state_.own = own; }

 private:
  // The addresses of one half of the table that the driver sets, or all if there are too many.
  struct Table {
    std::vector<MacAddress> addresses;
    bool overflowed = false;

    bool has(const MacAddress& address) const;
    static std::span<const StateMember> members();
  };
  struct State {
    MacAddress own;
    Table unicast;
    Table multicast;
    bool multicast_set = false;  // before the driver says which, all pass
    std::bitset<6> modes{};      // by virtio_net::RxCommand
    bool vlans_filtered = false;
    std::bitset<virtio_net::kVlanCount> vlans;
    static std::span<const StateMember> members();
  };
  bool set_mode(u8 mode, std::span<const u8> data);
  bool set_tables(std::span<const u8> data);
  bool set_vlan(u8 command, std::span<const u8> data);
  static bool take_table(std::span<const u8>& data, Table& table);

  MacAddress burnt_in_;
  State state_;
};

}  // namespace backplane
