// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <span>
#include <string>

#include "backplane/block.h"

namespace backplane {

// A node whose transfers are those of a file of the host, at some place: an engine (aio.h) may
// carry them out in the node's stead.
class HostTransfers {
 public:
  struct Place {
    int fd = -1;
    u64 offset = 0;
  };

  // What the user calls the engine; empty: there is to be none.
  virtual const std::string& engine() const = 0;
  // Where a transfer goes, if it is one that the node would do nothing else about. Any thread.
  virtual std::optional<Place> place(bool write, u64 offset, std::span<const iovec> iov) const = 0;

 protected:
  ~HostTransfers() = default;
};

}  // namespace backplane
