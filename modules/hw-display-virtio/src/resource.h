// SPDX-License-Identifier: MIT
// A picture that the driver has made on the device, and where in the guest's memory it comes from.
// [virtio-1.2 §5.7.6.8 "Device Operation: controlq"]
#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backplane/display.h"
#include "backplane/memory.h"
#include "backplane/state.h"
#include "gpu_regs.h"

namespace backplane::virtio_gpu {

// A piece of guest memory, as the driver names it.
struct BackingEntry {
  u64 address = 0;
  u32 length = 0;
  static std::span<const StateMember> members();
};
constexpr std::size_t kMostEntries = 16384;
constexpr std::size_t kMostResources = 65536;  // of a device
constexpr u32 kMostSide = 16384;               // pixels: more rows than any screen has take long

class Resource {
 public:
  static bool can_be(u32 format, u32 width, u32 height);

  // One that can be, and is black. Throws std::bad_alloc: the host has no memory for it.
  Resource(u32 format, u32 width, u32 height);
  // Host memory of one as large and with so many entries, in bytes.
  static u64 cost(u32 width, u32 height, std::size_t entries = 0);
  u64 cost() const { return cost(width_, height_, backing_.size()); }

  u32 format() const { return format_; }
  u32 width() const { return width_; }
  u32 height() const { return height_; }
  bool contains(const Rect& what) const {
    return what.x <= width_ && what.width <= width_ - what.x && what.y <= height_ &&
           what.height <= height_ - what.y;
  }

  bool has_backing() const { return !backing_.empty(); }
  const std::vector<BackingEntry>& backing() const { return backing_; }
  void attach(std::vector<BackingEntry> entries);
  void detach();
  // Copies what is inside of it from its backing, where the first pixel is at `offset`. False if
  // some of that is no RAM of the guest's.
  bool transfer(AddressSpace& from, const Rect& what, u64 offset);

  // Pixels of a screen, of [x, x + to.size()) in row y, which is inside.
  void copy_row(u32 x, u32 y, std::span<u32> to) const;
  // 0 to 255: how much of it covers what is below.
  u32 alpha(u32 x, u32 y) const;

 private:
  u32 raw(u32 x, u32 y) const { return pixels_[u64{y} * width_ + x]; }
  bool read_backing(AddressSpace& from, u64 offset, std::span<u32> to) const;

  u32 format_, width_, height_;
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<u32[], Free> pixels_;  // as in guest memory
  std::vector<BackingEntry> backing_;
  std::vector<u64> starts_;  // of each entry, in bytes of all of them
};

}  // namespace backplane::virtio_gpu
