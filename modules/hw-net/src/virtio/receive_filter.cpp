// SPDX-License-Identifier: MIT
#include "virtio/receive_filter.h"

#include <algorithm>
#include <cstring>

namespace backplane {

using namespace virtio_net;

namespace {

// [IEEE 802.3 "Media access control frame structure", IEEE 802.1Q "VLAN tag"]
constexpr std::size_t kAddressSize = 6;
constexpr std::size_t kHeaderSize = 14;
constexpr std::size_t kTypeOffset = 12;
constexpr std::size_t kTagOffset = 14;
constexpr u16 kTaggedType = 0x8100;

u16 big_endian(std::span<const u8> bytes, std::size_t at) {
  return static_cast<u16>(bytes[at] << 8 | bytes[at + 1]);
}

MacAddress address_at(std::span<const u8> bytes, std::size_t at) {
  MacAddress address;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), kAddressSize, address.bytes.begin());
  return address;
}

Value texts_of(const std::vector<MacAddress>& addresses) {
  Value::List texts;
  for (const MacAddress& address : addresses)
    texts.emplace_back(PropertyTraits<MacAddress>::print(address));
  return texts;
}

std::string_view word_for(bool none, bool all) { return none ? "none" : all ? "all" : "normal"; }

}  // namespace

std::span<const StateMember> ReceiveFilter::Table::members() {
  static const StateMember kMembers[] = {
      member<&Table::addresses>("addresses", up_to(kMacTableSize)),
      member<&Table::overflowed>("overflowed"),
  };
  return kMembers;
}

std::span<const StateMember> ReceiveFilter::State::members() {
  static const StateMember kMembers[] = {
      member<&State::own>("own"),
      member<&State::unicast>("unicast"),
      member<&State::multicast>("multicast"),
      member<&State::multicast_set>("multicast_set"),
      member<&State::modes>("modes"),
      member<&State::vlans_filtered>("vlans_filtered"),
      member<&State::vlans>("vlans"),
  };
  return kMembers;
}

std::span<const StateMember> ReceiveFilter::members() {
  static const StateMember kMembers[] = {member<&ReceiveFilter::state_>("state")};
  return kMembers;
}

bool ReceiveFilter::Table::has(const MacAddress& address) const {
  return overflowed || std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

bool ReceiveFilter::accepts(std::span<const u8> frame) const {
  if (frame.size() < kHeaderSize) return false;
  if (state_.vlans_filtered && frame.size() >= kTagOffset + 2 &&
      big_endian(frame, kTypeOffset) == kTaggedType &&
      !state_.vlans[big_endian(frame, kTagOffset) % kVlanCount])
    return false;
  if (state_.modes[kPromiscuous]) return true;
  const MacAddress to = address_at(frame, 0);
  if (std::all_of(to.bytes.begin(), to.bytes.end(), [](u8 byte) { return byte == 0xff; }))
    return !state_.modes[kNoBroadcast];
  if ((to.bytes[0] & 1) != 0)
    return !state_.modes[kNoMulticast] &&
           (state_.modes[kAllMulticast] || !state_.multicast_set || state_.multicast.has(to));
  return !state_.modes[kNoUnicast] &&
         (state_.modes[kAllUnicast] || to == state_.own || state_.unicast.has(to));
}

Value ReceiveFilter::describe() const {
  Value::List vlans;
  for (std::size_t vlan = 0; vlan < state_.vlans.size(); ++vlan)
    if (state_.vlans[vlan]) vlans.emplace_back(vlan);
  const bool all_groups = state_.modes[kAllMulticast] || !state_.multicast_set;
  return Value::Record{
      {"promiscuous", state_.modes[kPromiscuous]},
      {"multicast", word_for(state_.modes[kNoMulticast], all_groups)},
      {"unicast", word_for(state_.modes[kNoUnicast], state_.modes[kAllUnicast])},
      {"vlan", word_for(state_.vlans_filtered && vlans.empty(), !state_.vlans_filtered)},
      {"broadcast-allowed", !state_.modes[kNoBroadcast]},
      {"multicast-overflow", state_.multicast.overflowed},
      {"unicast-overflow", state_.unicast.overflowed},
      {"main-mac", PropertyTraits<MacAddress>::print(state_.own)},
      {"vlan-table", std::move(vlans)},
      {"unicast-table", texts_of(state_.unicast.addresses)},
      {"multicast-table", texts_of(state_.multicast.addresses)}};
}

bool ReceiveFilter::command(const ControlHeader& header, std::span<const u8> data) {
  switch (header.command_class) {
    case kClassRx:
      return set_mode(header.command, data);
    case kClassMac:
      if (header.command == kMacTableSet) return set_tables(data);
      if (header.command != kMacAddrSet || data.size() < kAddressSize) return false;
      state_.own = address_at(data, 0);
      return true;
    case kClassVlan:
      return set_vlan(header.command, data);
    default:
      return false;
  }
}

bool ReceiveFilter::set_mode(u8 mode, std::span<const u8> data) {
  if (mode >= state_.modes.size() || data.empty()) return false;
  state_.modes[mode] = data[0] != 0;
  return true;
}

// struct virtio_net_ctrl_mac: a number of entries, then the entries.
bool ReceiveFilter::take_table(std::span<const u8>& data, Table& table) {
  u32 count = 0;
  if (data.size() < sizeof count) return false;
  std::memcpy(&count, data.data(), sizeof count);
  data = data.subspan(sizeof count);
  if (count > data.size() / kAddressSize) return false;
  table.overflowed = count > kMacTableSize;
  for (u32 i = 0; i < count && !table.overflowed; ++i)
    table.addresses.push_back(address_at(data, i * kAddressSize));
  data = data.subspan(count * kAddressSize);
  return true;
}

bool ReceiveFilter::set_tables(std::span<const u8> data) {
  Table unicast;
  Table multicast;
  if (!take_table(data, unicast) || !take_table(data, multicast)) return false;
  state_.unicast = std::move(unicast);
  state_.multicast = std::move(multicast);
  state_.multicast_set = true;
  return true;
}

bool ReceiveFilter::set_vlan(u8 command, std::span<const u8> data) {
  if (data.size() < 2 || (command != kVlanAdd && command != kVlanDel)) return false;
  u16 vlan = 0;
  std::memcpy(&vlan, data.data(), sizeof vlan);
  if (vlan >= kVlanCount) return false;
  state_.vlans[vlan] = command == kVlanAdd;
  return true;
}

}  // namespace backplane
