// SPDX-License-Identifier: MIT
#include <algorithm>

#include "backplane/display.h"

namespace backplane {

Rectangle Rectangle::united(const Rectangle& other) const {
  if (empty()) return other;
  if (other.empty()) return *this;
  const u32 left = std::min(x, other.x), top = std::min(y, other.y);
  return {left, top, std::max(x + width, other.x + other.width) - left,
          std::max(y + height, other.y + other.height) - top};
}

Rectangle Rectangle::clipped(u32 most_width, u32 most_height) const {
  if (x >= most_width || y >= most_height) return {};
  return {x, y, std::min(width, most_width - x), std::min(height, most_height - y)};
}

Screen::Screen(std::function<void()> draw, std::function<void(bool)> watched)
    : draw_(std::move(draw)), watched_(std::move(watched)) {}

Screen::~Screen() {
  const std::vector<ScreenViewer*> told = std::move(viewers_);
  for (ScreenViewer* const viewer : told) viewer->gone();
}

void Screen::refresh() {
  draw_();
  tell_band();
}

void Screen::add_viewer(ScreenViewer& viewer) {
  viewers_.push_back(&viewer);
  if (viewers_.size() == 1 && watched_) watched_(true);
}

void Screen::remove_viewer(ScreenViewer& viewer) {
  if (std::erase(viewers_, &viewer) != 0 && viewers_.empty() && watched_) watched_(false);
}

void Screen::resize(u32 width, u32 height) {
  width = std::clamp(width, u32{1}, kMostPixels);
  height = std::clamp(height, u32{1}, kMostPixels);
  if (width == width_ && height == height_) return;
  width_ = width;
  height_ = height;
  pixels_.assign(u64{width} * height, 0);
  band_ = {};
  for (ScreenViewer* const viewer : viewers_) viewer->resized();
}

void Screen::put_row(u32 y, std::span<const u32> pixels) {
  const auto before = std::span(pixels_).subspan(u64{y} * width_, width_);
  const auto first = std::mismatch(before.begin(), before.end(), pixels.begin());
  if (first.first == before.end()) return;
  const auto last = std::mismatch(before.rbegin(), before.rend(), pixels.rbegin());
  const auto left = static_cast<u32>(first.first - before.begin());
  const auto right = width_ - static_cast<u32>(last.first - before.rbegin());
  std::copy(pixels.begin() + left, pixels.begin() + right, before.begin() + left);
  if (band_.y + band_.height != y) tell_band();
  band_ = band_.united({left, y, right - left, 1});
}

bool Screen::ask_size(u32 width, u32 height) {
  if (!asked_) return false;
  (*asked_)(std::clamp(width, u32{1}, kMostPixels), std::clamp(height, u32{1}, kMostPixels));
  return true;
}

void Screen::on_size_asked(std::function<void(u32, u32)> asked) {
  asked_ = std::make_unique<std::function<void(u32, u32)>>(std::move(asked));
}

void Screen::tell(const Rectangle& what) {
  for (ScreenViewer* const viewer : viewers_) viewer->changed(what);
}

void Screen::tell_band() {
  if (!band_.empty()) tell(band_);
  band_ = {};
}

}  // namespace backplane
