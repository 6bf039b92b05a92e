// SPDX-License-Identifier: MIT
// virtio-net: a network card with one queue each way, or several, and a control queue.
// [virtio-1.2 §5.1 "Network Device"]
//
// Its queues are served in the loop that its network's frames move in: the main loop, or an I/O
// thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backplane/command.h"
#include "backplane/io_thread.h"
#include "backplane/netdev.h"
#include "backplane/subscription.h"
#include "backplane/virtio/virtio_device.h"
#include "virtio/net_regs.h"
#include "virtio/receive_filter.h"
#include "virtio/steering.h"

namespace backplane {

class VirtioNet final : public VirtioDevice, public CommandProvider, private OffloadNetClient {
  BACKPLANE_OBJECT(VirtioNet, VirtioDevice, "virtio-net-device")
 public:
  static void class_init(VirtioDeviceClass& k);

  std::string describe() const override;
  unsigned config_size() const override { return virtio_net::kConfigSize; }
  std::span<const Command> commands() const override;

  void realize();
  void unrealize();
  void reset() override;
  void loaded() override;

 protected:
  u64 device_features() const override;
  void fill_config(std::span<u8> image) const override;
  void config_written(unsigned offset, u32 value, unsigned size) override;
  void driver_started() override;

 private:
  // What the user called the card.
  std::string card_id() const;
  void set_link(bool plugged_in);
  static Value describe_filters(CommandContext& context, const Arguments& arguments);
  bool plugged_in() const { return plugged_in_; }
  bool has_link() const { return netdev_ && plugged_in_; }

  void check_properties() const;
  void connect_network();
  void disconnect_network();
  unsigned backend_queues() const;
  unsigned backend_offloads() const;
  void accept_offloads(unsigned kinds);
  void queue_kicked(VirtQueue& queue);
  unsigned control_index() const;
  unsigned header_size() const;

  // The network's side.
  bool receive(std::span<const u8> frame) override { return receive_offloaded({}, frame); }
  bool receive_offloaded(const FrameOffload& left, std::span<const u8> frame) override;
  // Pops chains until there are `size` bytes of room; how many they are, or 0 and none is popped.
  std::size_t take_chains(VirtQueue& queue, u64 size);
  void store(VirtQueue& queue, const FrameOffload& left, std::span<const u8> frame,
             std::size_t chains);

  void transmit(VirtQueue& queue);
  void transmit(const VirtElement& element, u16 pair);

  void control(VirtQueue& queue);
  u8 answer(const VirtElement& element);
  bool command(const virtio_net::ControlHeader& header, std::span<const u8> data);
  bool set_pairs(std::span<const u8> data);
  bool set_guest_offloads(std::span<const u8> data);

  BackendLink<Netdev> netdev_;
  BackendLink<IoThread> iothread_;
  bool plugged_in_ = true;
  MacAddress mac_;
  u16 mtu_ = 0;
  i32 speed_ = -1;
  std::string duplex_;
  bool mq_ = false;
  i32 bootindex_ = -1;
  u16 rx_queue_size_ = 256;
  u16 tx_queue_size_ = 256;

  ReceiveFilter filter_;
  struct State {
    u16 pairs = 1;  // in use
    bool announce = false;
    unsigned receive_offloads = 0;  // that the driver takes: a set of OffloadKind
  };
  State state_;
  u16 max_pairs_ = 1;
  FlowSteering steering_;
  VirtElement element_;
  std::vector<VirtElement> chains_;  // of the frame that is being received
  std::vector<iovec> pieces_;
  Subscription run_state_;
};

}  // namespace backplane
