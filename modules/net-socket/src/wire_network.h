// SPDX-License-Identifier: MIT
// What the backends of this module have in common: a wire.
#pragma once

#include <memory>
#include <string>

#include "backplane/netdev.h"
#include "wire.h"

namespace backplane {

class WireNetwork : public Netdev, public MovableNetdev {
  BACKPLANE_OBJECT(WireNetwork, Netdev, "wire-network")
 public:
  static void class_init(ObjectClass&) {}

  std::string describe() const override {
    const IoContext::Guard lock(loop());
    return wire_->describe();
  }
  void send(std::span<const iovec> frame) override { wire_->send(frame); }
  void moved() override { wire_->move_to(loop()); }

 protected:
  void open() override { wire_ = connect(); }
  // Throws Error.
  virtual std::unique_ptr<Wire> connect() = 0;
  Wire::Receive receiver() {
    return [this](std::span<const u8> frame) { deliver(frame); };
  }

 private:
  std::unique_ptr<Wire> wire_;
};

}  // namespace backplane
