// SPDX-License-Identifier: MIT
#include "gdb/breakpoints.h"

#include <algorithm>

namespace backplane::host::gdb {

namespace {
bool is_code(PointKind kind) { return kind == PointKind::Software || kind == PointKind::Hardware; }
}  // namespace

bool Breakpoints::set(const Point& point) {
  if (std::ranges::find(points_, point) != points_.end()) return true;
  if (points_.size() == kMost) return false;
  points_.push_back(point);
  return true;
}

DebugPoints Breakpoints::wanted() const {
  DebugPoints wanted;
  for (const Point& p : points_) {
    if (is_code(p.kind))
      wanted.code.push_back(p.address);
    else
      wanted.data.push_back(
          {p.address, p.size, p.kind != PointKind::Write, p.kind != PointKind::Read});
  }
  std::ranges::sort(wanted.code);
  wanted.code.erase(std::unique(wanted.code.begin(), wanted.code.end()), wanted.code.end());
  return wanted;
}

std::optional<PointKind> Breakpoints::code_at(u64 address) const {
  for (const Point& p : points_)
    if (is_code(p.kind) && p.address == address) return p.kind;
  return std::nullopt;
}

}  // namespace backplane::host::gdb
