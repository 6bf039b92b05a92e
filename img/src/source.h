// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "images.h"

namespace backplane::img {

// Disks behind one another, read as one.
class Source {
 public:
  explicit Source(std::vector<std::unique_ptr<OpenImage>> images);

  u64 size() const { return size_; }
  // What the bytes from `offset` begin with, wherever in a chain. Any thread.
  Layer layer(u64 offset, u64 most) const;
  // Throws Error. Any thread.
  void read(u64 offset, std::span<u8> data) const;

 private:
  struct Part {
    std::unique_ptr<OpenImage> image;
    u64 begin;
  };
  const Part& part_at(u64 offset) const;

  std::vector<Part> parts_;
  u64 size_ = 0;
};

}  // namespace backplane::img
