// SPDX-License-Identifier: MIT
#include "resource.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace backplane::virtio_gpu {

namespace {

// More than a resource of no size costs.
constexpr u64 kOverhead = 1_KiB;

// Bits to shift a pixel right by, for each colour; alpha: 32 for none.
struct Layout {
  Format format;
  u8 red, green, blue, alpha;
};
constexpr u8 kNone = 32;
constexpr Layout kLayouts[] = {
    {kB8G8R8A8, 16, 8, 0, 24},     {kB8G8R8X8, 16, 8, 0, kNone}, {kA8R8G8B8, 8, 16, 24, 0},
    {kX8R8G8B8, 8, 16, 24, kNone}, {kR8G8B8A8, 0, 8, 16, 24},    {kX8B8G8R8, 24, 16, 8, kNone},
    {kA8B8G8R8, 24, 16, 8, 0},     {kR8G8B8X8, 0, 8, 16, kNone},
};

const Layout* layout_of(u32 format) {
  const auto* const found = std::find_if(std::begin(kLayouts), std::end(kLayouts),
                                         [&](const Layout& row) { return row.format == format; });
  return found != std::end(kLayouts) ? found : nullptr;
}

}  // namespace

std::span<const StateMember> BackingEntry::members() {
  static const StateMember kMembers[] = {member<&BackingEntry::address>("address"),
                                         member<&BackingEntry::length>("length")};
  return kMembers;
}

// Pages that nobody has touched are zero and cost nothing: a driver that makes the largest picture
// of all does not stop the machine until it is cleared.
Resource::Resource(u32 format, u32 width, u32 height)
    : format_(format),
      width_(width),
      height_(height),
      pixels_(static_cast<u32*>(std::calloc(u64{width} * height, sizeof(u32)))) {
  if (pixels_ == nullptr) throw std::bad_alloc();
}

bool Resource::can_be(u32 format, u32 width, u32 height) {
  return layout_of(format) != nullptr && width != 0 && width <= kMostSide && height != 0 &&
         height <= kMostSide;
}

u64 Resource::cost(u32 width, u32 height, std::size_t entries) {
  // What does not fit into the number does not fit into memory.
  if (std::bit_width(width) + std::bit_width(height) > 60) return ~u64{0};
  return u64{width} * height * sizeof(u32) + kOverhead +
         entries * (sizeof(BackingEntry) + sizeof(u64));
}

void Resource::attach(std::vector<BackingEntry> entries) {
  backing_ = std::move(entries);
  starts_.clear();
  u64 start = 0;
  for (const BackingEntry& entry : backing_) {
    starts_.push_back(start);
    start += entry.length;
  }
}

void Resource::detach() {
  backing_ = {};
  starts_ = {};
}

bool Resource::transfer(AddressSpace& from, const Rect& what, u64 offset) {
  const u64 stride = u64{width_} * sizeof(u32);
  const auto row = [&](u32 y, u64 pixels) {
    return std::span(pixels_.get() + u64{what.y + y} * width_ + what.x, pixels);
  };
  if (what.width == width_)
    return read_backing(from, offset, row(0, u64{what.width} * what.height));
  for (u32 y = 0; y < what.height; ++y, offset += stride)
    if (!read_backing(from, offset, row(y, what.width))) return false;
  return true;
}

bool Resource::read_backing(AddressSpace& from, u64 offset, std::span<u32> to) const {
  auto* out = reinterpret_cast<u8*>(to.data());
  u64 left = to.size_bytes();
  if (left == 0) return true;
  if (starts_.empty() || offset >= starts_.back() + backing_.back().length) return false;
  auto index = static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) -
                                        starts_.begin() - 1);
  for (u64 inside = offset - starts_[index]; left != 0; ++index, inside = 0) {
    if (index == backing_.size()) return false;
    const u64 size = std::min<u64>(left, backing_[index].length - inside);
    if (size == 0) continue;
    const u8* const host = from.ram_pointer(backing_[index].address + inside, size, false);
    if (host == nullptr) return false;
    std::memcpy(out, host, size);
    out += size;
    left -= size;
  }
  return true;
}

void Resource::copy_row(u32 x, u32 y, std::span<u32> to) const {
  const Layout& layout = *layout_of(format_);
  const u32* const from = &pixels_[u64{y} * width_ + x];
  if (layout.red == 16 && layout.blue == 0) {
    for (std::size_t n = 0; n < to.size(); ++n) to[n] = from[n] & 0xffffff;
    return;
  }
  for (std::size_t n = 0; n < to.size(); ++n)
    to[n] = (from[n] >> layout.red & 0xff) << 16 | (from[n] >> layout.green & 0xff) << 8 |
            (from[n] >> layout.blue & 0xff);
}

u32 Resource::alpha(u32 x, u32 y) const {
  const Layout& layout = *layout_of(format_);
  return layout.alpha == kNone ? 0xff : raw(x, y) >> layout.alpha & 0xff;
}

}  // namespace backplane::virtio_gpu
