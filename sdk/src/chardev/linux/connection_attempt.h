// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>

#include "backplane/error.h"
#include "chardev/linux/socket_address.h"

namespace backplane {

// Connecting on a thread of its own: finding the address of a name and waiting for a host that does
// not answer may take minutes. Who gives it up may destroy it at any time.
class ConnectionAttempt {
 public:
  // Throws Error if the host cannot provide what it takes to try.
  explicit ConnectionAttempt(const SocketAddress& address);

  // Readable once it has ended.
  int fd() const;
  // Whether it ends within that time.
  bool wait(int milliseconds) const;
  // The connection of one that has ended; none if it failed.
  UniqueFd take();
  // Why one that has ended failed; nothing if it did not.
  std::optional<Error> failure() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // the thread's as well
};

}  // namespace backplane
