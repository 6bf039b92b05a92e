// SPDX-License-Identifier: MIT
// Network backends: what a network device's frames go to and come from.
//
// A frame is an Ethernet frame from the destination address to the end of its payload, without
// preamble and check sequence. [IEEE 802.3 "Media access control frame structure"]
//
// All with the lock of the loop that its frames move in (Netdev::loop()): the machine lock, or that
// of an I/O thread.
#pragma once

#include <array>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "backplane/backend.h"
#include "backplane/frame_offload.h"
#include "backplane/io_context.h"
#include "backplane/io_vector.h"
#include "backplane/room.h"
#include "backplane/types.h"

namespace backplane {

inline constexpr Kind kNetdevKind{.base = "netdev",
                                  .prefix = "net-",
                                  .suffix = "",
                                  .noun = "network backend",
                                  .option = "-netdev"};

class Netdev;

// The guest's side: a network device.
class NetClient {
 public:
  // A frame for the guest. False if there is no room for it now; it is offered again after
  // Netdev::receive_more().
  virtual bool receive(std::span<const u8> frame) = 0;

 protected:
  ~NetClient() = default;
};

// A device that takes frames with something left to be done derives from this, too.
class OffloadNetClient : public NetClient {
 public:
  // Like receive(). There is only left what the device has said that it takes, or had until just
  // now.
  virtual bool receive_offloaded(const FrameOffload& left, std::span<const u8> frame) = 0;

 protected:
  ~OffloadNetClient() = default;
};

// A backend that takes frames with something left to be done, and may give such, derives from this,
// too; others are given whole frames alone.
class OffloadNetdev {
 public:
  // Like Netdev::send(). Nonsense in `left` is a guest's, and the frame is lost.
  virtual void send_offloaded(const FrameOffload& left, std::span<const iovec> frame) = 0;
  // Which kinds it can leave to the device: a set of OffloadKind.
  virtual unsigned receive_offloads() const = 0;
  // Those that it may from now on; 0 at first.
  virtual void accept_offloads(unsigned kinds) = 0;

 protected:
  ~OffloadNetdev() = default;
};

// A backend whose frames can move in an I/O thread derives from this, too; others are served in the
// main loop alone. It uses Netdev::loop() for what it waits for.
class MovableNetdev {
 public:
  // Netdev::loop() is another one: what it waits for it watches there from now on, and what it has
  // posted to the one before does nothing any more. With the machine lock and that of the I/O
  // thread. Nothing may throw.
  virtual void moved() = 0;

 protected:
  ~MovableNetdev() = default;
};

// Sees each frame that passes a backend, either way, from attach_observer() on, until one of the
// two is destroyed or it is detached.
class FrameObserver {
 public:
  enum class Direction { FromDevice, ToDevice };
  virtual void frame_passed(Direction direction, const FrameOffload& left,
                            std::span<const iovec> frame) = 0;

 protected:
  ~FrameObserver();
  // Detaches it, if it is attached: before anything goes that frame_passed() uses. Machine lock.
  void stop_observing();

 private:
  friend class Netdev;
  Netdev* observed_ = nullptr;
  FrameObserver* next_ = nullptr;
};

// One backend: "net-user", ... A type of its own derives from it, implements send() and hands what
// arrives to deliver(). One that a device can use with several queues says how many by a property
// "queues".
class Netdev : public Backend {
  BACKPLANE_OBJECT(Netdev, Backend, "netdev")
 public:
  static void class_init(ObjectClass&) {}
  ~Netdev() override;

  // The largest frame that passes, either way: bytes.
  static constexpr std::size_t kMaxFrame = 65550;

  // A frame of the guest's, in pieces that are valid during the call alone. Devices call
  // transmit().
  virtual void send(std::span<const iovec> frame) = 0;

  // Sends a frame of the device's, in pieces that are valid during the call alone. What is left to
  // be done is done here if the backend does not; a frame of which that makes no sense is lost.
  void transmit(std::span<const iovec> frame) { transmit({}, frame); }
  void transmit(const FrameOffload& left, std::span<const iovec> frame);

  // Where its frames move: the main loop, or the I/O thread that its device is served in.
  IoContext& loop() const;
  // Has them move there from now on. Throws Error if they can move in the main loop alone, and
  // changes nothing then. Machine lock.
  void serve_in(IoContext& loop);

  // Connects the device; null disconnects it, and forgets what waits.
  void set_client(NetClient* client);
  // The device has room again: what waits is delivered.
  void receive_more();

  // Shows it all frames from now on, last of all that are attached; it is one backend's at a time.
  // Machine lock.
  void attach_observer(FrameObserver& observer);
  void detach_observer(FrameObserver& observer);

 protected:
  // Gives a frame to the device, or keeps it until there is room. With nobody connected, or when
  // too many wait, it is lost, as on a real network.
  void deliver(std::span<const u8> frame);
  void deliver(const FrameOffload& left, std::span<const u8> frame);

 private:
  static constexpr std::size_t kMostWaiting = 512;

  void show_observers(FrameObserver::Direction direction, const FrameOffload& left,
                      std::span<const iovec> frame);
  bool offer(const FrameOffload& left, std::span<const u8> frame);

  NetClient* client_ = nullptr;
  bool delivering_ = false;
  std::deque<std::vector<u8>> waiting_;         // each after its FrameOffload
  OffloadNetClient* offload_client_ = nullptr;  // the client, if it is one
  FrameObserver* observers_ = nullptr;
  IoContext* thread_ = nullptr;  // null: the main loop
  [[maybe_unused]] Room<1> room_;
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
