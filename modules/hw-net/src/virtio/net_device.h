// SPDX-License-Identifier: MIT
// virtio-net: a network card with one queue each way and a control queue.
// [virtio-1.2 §5.1 "Network Device"]
#pragma once

#include <memory>
#include <vector>

#include "backplane/command.h"
#include "backplane/netdev.h"
#include "backplane/subscription.h"
#include "backplane/virtio/virtio_device.h"
#include "virtio/net_regs.h"
#include "virtio/receive_filter.h"

namespace backplane {

class VirtioNet final : public VirtioDevice, public CommandProvider, private NetClient {
  BACKPLANE_OBJECT(VirtioNet, VirtioDevice, "virtio-net-device")
 public:
  static void class_init(VirtioDeviceClass& k);

  std::string describe() const override;
  unsigned config_size() const override { return virtio_net::kConfigSize; }
  std::span<const Command> commands() const override;

  void realize();
  void unrealize();

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
  bool receive(std::span<const u8> frame) override;
  // Pops chains until there are `size` bytes of room; how many they are, or 0 and none is popped.
  std::size_t take_chains(u64 size);
  void store(std::span<const u8> frame, std::size_t chains);
  void transmit(VirtQueue& queue);
  void control(VirtQueue& queue);
  u8 answer(const VirtElement& element);
  unsigned header_size() const;

  BackendLink<Netdev> netdev_;
  bool plugged_in_ = true;
  MacAddress mac_;
  u16 mtu_ = 0;
  i32 bootindex_ = -1;
  u16 rx_queue_size_ = 256;
  u16 tx_queue_size_ = 256;

  ReceiveFilter filter_;
  VirtQueue* receive_queue_ = nullptr;
  VirtQueue* transmit_queue_ = nullptr;
  VirtElement element_;
  std::vector<VirtElement> chains_;  // of the frame that is being received
  std::vector<iovec> pieces_;
  Subscription run_state_;
};

}  // namespace backplane
