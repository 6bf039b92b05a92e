// SPDX-License-Identifier: MIT
// Network backends: what a network device's frames go to and come from.
//
// A frame is an Ethernet frame from the destination address to the end of its payload, without
// preamble and check sequence. [IEEE 802.3 "Media access control frame structure"]
//
// All under the machine lock.
#pragma once

#include <array>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "backplane/backend.h"
#include "backplane/io_vector.h"
#include "backplane/room.h"
#include "backplane/types.h"

namespace backplane {

inline constexpr Kind kNetdevKind{.base = "netdev",
                                  .prefix = "net-",
                                  .suffix = "",
                                  .noun = "network backend",
                                  .option = "-netdev"};

// The guest's side: a network device.
class NetClient {
 public:
  // A frame for the guest. False if there is no room for it now; it is offered again after
  // Netdev::receive_more().
  virtual bool receive(std::span<const u8> frame) = 0;

 protected:
  ~NetClient() = default;
};

// One backend: "net-user", ... A type of its own derives from it, implements send() and hands what
// arrives to deliver().
class Netdev : public Backend {
  BACKPLANE_OBJECT(Netdev, Backend, "netdev")
 public:
  static void class_init(ObjectClass&) {}

  // The largest frame that passes, either way: bytes.
  static constexpr std::size_t kMaxFrame = 65550;

  // A frame of the guest's, in pieces that are valid during the call alone.
  virtual void send(std::span<const iovec> frame) = 0;

  // Connects the device; null disconnects it, and forgets what waits.
  void set_client(NetClient* client);
  // The device has room again: what waits is delivered.
  void receive_more();

 protected:
  // Gives a frame to the device, or keeps it until there is room. With nobody connected, or when
  // too many wait, it is lost, as on a real network.
  void deliver(std::span<const u8> frame);

 private:
  static constexpr std::size_t kMostWaiting = 512;

  NetClient* client_ = nullptr;
  bool delivering_ = false;
  std::deque<std::vector<u8>> waiting_;
  [[maybe_unused]] Room<4> room_;
};

// A device's own address: "52:54:00:12:34:56" as a property.
struct MacAddress {
  std::array<u8, 6> bytes{};

  bool is_set() const { return bytes != std::array<u8, 6>{}; }
  bool operator==(const MacAddress&) const = default;
  static std::span<const StateMember> members();
};
template <>
struct PropertyTraits<MacAddress> {
  static constexpr std::string_view kTypeName = "mac";
  // Throws Error: not six bytes in hexadecimal, or a group address.
  static MacAddress parse(std::string_view text);
  static std::string print(const MacAddress& value);
};

}  // namespace backplane
