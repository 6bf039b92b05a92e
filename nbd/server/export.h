// SPDX-License-Identifier: MIT
// A disk as clients see it.
#pragma once

#include <functional>
#include <string>

#include "backplane/block.h"
#include "backplane/image.h"
#include "wire/protocol.h"

namespace backplane::nbd {

struct Export {
  BlockNode* node = nullptr;
  std::string name;
  std::string description;
  bool read_only = false;
  bool shared = false;         // by more than one client at a time
  u32 minimum_block = 1;       // bytes that requests are a multiple of
  bool write_through = false;  // what is written is on the disk when it is answered
  // Where the bytes are, as MappedNode::extent() says it. Any thread.
  std::function<int(u64 offset, u64 size, Extent& extent)> extent;

  u64 size() const { return node->size(); }
  u16 flags() const;  // TransmissionFlag
};

// The number that the protocol has for what a node gave (0 or a negative errno).
u32 error_number(int result);

}  // namespace backplane::nbd
