// SPDX-License-Identifier: MIT
// A character device that is reached at an address of the guest's network. It is used under the
// machine lock, whichever loop the network is in.
#pragma once

#include <vector>

#include "backplane/chardev.h"
#include "settings.h"
#include "user_network.h"

namespace backplane {

class UserNetwork::Correspondent final : private ChardevClient {
 public:
  // Throws Error: there is no such device, or it is used already.
  Correspondent(UserNetwork& network, const GuestForward& rule);
  ~Correspondent();
  Correspondent(const Correspondent&) = delete;
  Correspondent& operator=(const Correspondent&) = delete;

  // What the guest's side sends. The loop's lock.
  void write(const u8* data, std::size_t size);
  // The guest's side may have read something. Machine lock.
  void accept_input() { device_->accept_input(); }

 private:
  // Writes what was sent, in its order, whichever thread comes first. Machine lock.
  void pass_on();
  std::size_t can_receive() override;
  void receive(const u8* data, std::size_t size) override;

  UserNetwork& network_;
  GuestForward rule_;
  BackendLink<Chardev> device_;
  std::vector<u8> sent_;  // and not written yet; the loop's lock
};

}  // namespace backplane
