// SPDX-License-Identifier: MIT
// "net-tap": the guest's cable ends in a network interface of the host's.
#pragma once

#include <string>
#include <vector>

#include "backplane/io_context.h"
#include "backplane/netdev.h"
#include "backplane/property.h"
#include "tun.h"

namespace backplane {

class TapNetwork final : public Netdev, public OffloadNetdev, public MovableNetdev {
 public:
  static void class_init(ObjectClass& k);
  TapNetwork() = default;
  ~TapNetwork() override;

  std::string describe() const override;
  void send(std::span<const iovec> frame) override { send_offloaded({}, frame); }

  // A full interface loses frames, as wires do.
  void send_offloaded(const FrameOffload& left, std::span<const iovec> frame) override;
  unsigned receive_offloads() const override;
  void accept_offloads(unsigned kinds) override;
  void moved() override;

 protected:
  void open() override;

 private:
  void check_properties() const;
  void open_interface();
  void adopt_descriptors();
  void receive(int fd);

  std::string interface_name_ = "tap%d";
  std::string script_ = "no";
  std::string down_script_ = "no";
  std::string fd_;
  std::string fds_;
  OnOffAuto offload_header_ = OnOffAuto::Auto;
  bool vhost_ = false;
  u32 queues_ = 1;

  bool has_header_ = false;  // each frame is after a FrameOffload
  bool is_up_ = false;       // the script was run
  std::vector<TapQueue> opened_;
  std::vector<IoContext::WatchHandle> watches_;  // one a queue
  std::vector<u8> frame_;
  std::vector<iovec> pieces_;
};

}  // namespace backplane
