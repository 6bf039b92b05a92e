// SPDX-License-Identifier: MIT
#include "backplane/netdev.h"

namespace backplane {

void Netdev::set_client(NetClient* client) {
  client_ = client;
  waiting_.clear();
}

void Netdev::deliver(std::span<const u8> frame) {
  if (client_ == nullptr || frame.size() > kMaxFrame || waiting_.size() >= kMostWaiting) return;
  // In order, and not into a device that is in the middle of receiving.
  if (delivering_ || !waiting_.empty() || !client_->receive(frame))
    waiting_.emplace_back(frame.begin(), frame.end());
}

void Netdev::receive_more() {
  if (delivering_ || waiting_.empty()) return;
  delivering_ = true;
  while (client_ != nullptr && !waiting_.empty() && client_->receive(waiting_.front()))
    waiting_.pop_front();
  delivering_ = false;
}

BACKPLANE_REGISTER_ABSTRACT(Netdev)

}  // namespace backplane
