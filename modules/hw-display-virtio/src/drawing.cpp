// SPDX-License-Identifier: MIT
// What is on the screen: the resource that the driver shows with the pointer over it, or what is
// there without a driver.
#include <algorithm>

#include "gpu_device.h"

namespace backplane {

using namespace virtio_gpu;

namespace {

constexpr u32 kNothingWidth = 640, kNothingHeight = 480;

}  // namespace

void VirtioGpu::mark_rows(const Rectangle& rows) {
  if (rows.empty()) return;
  const bool none = first_changed_ >= end_changed_;
  first_changed_ = none ? rows.y : std::min(first_changed_, rows.y);
  end_changed_ = std::max(none ? 0 : end_changed_, rows.y + rows.height);
}

void VirtioGpu::mark_all() { mark_rows({0, 0, 1, Screen::kMostPixels}); }

void VirtioGpu::show(const Scanout& scanout) {
  state_.scanout = scanout;
  if (scanout.resource == 0 && underlay_ != nullptr) underlay_->expose();
  mark_all();
}

void VirtioGpu::place_cursor() {
  mark_rows(cursor_.rows(screen_.height()));
  const CursorState& c = state_.cursor;
  // Of its corner, whatever the hot spot is; beyond the left and upper edge they are negative.
  cursor_.place(static_cast<i32>(c.x), static_cast<i32>(c.y));
  mark_rows(cursor_.rows(screen_.height()));
}

void VirtioGpu::draw() {
  const Resource* const shown = resource(state_.scanout.resource);
  if (shown == nullptr && underlay_ != nullptr) return underlay_->draw(screen_);
  if (first_changed_ >= end_changed_ && screen_.width() != 0) return;
  if (shown != nullptr) {
    draw_rows(*shown);
  } else {
    if (screen_.width() == 0) screen_.resize(kNothingWidth, kNothingHeight);
    row_.assign(screen_.width(), 0);
    for (u32 y = 0; y < screen_.height(); ++y) screen_.put_row(y, row_);
  }
  first_changed_ = end_changed_ = 0;
}

void VirtioGpu::draw_rows(const Resource& shown) {
  const Scanout& scanout = state_.scanout;
  screen_.resize(scanout.width, scanout.height);
  row_.resize(scanout.width);
  const u32 end = std::min(end_changed_, scanout.height);
  for (u32 y = first_changed_; y < end; ++y) {
    shown.copy_row(scanout.x, scanout.y + y, row_);
    cursor_.draw(y, row_);
    screen_.put_row(y, row_);
  }
}

}  // namespace backplane
