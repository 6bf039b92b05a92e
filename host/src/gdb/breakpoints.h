// SPDX-License-Identifier: MIT
// The breakpoints and watchpoints that a client has set. [GDB "Packets", z and Z]
#pragma once

#include <optional>
#include <vector>

#include "backplane/debug.h"

namespace backplane::host::gdb {

// As packets number them. Who stops the guest makes no difference between software and hardware
// breakpoints: neither is in its memory.
enum class PointKind : u8 { Software = 0, Hardware = 1, Write = 2, Read = 3, Access = 4 };

class Breakpoints {
 public:
  // More are refused.
  static constexpr std::size_t kMost = 4096;

  struct Point {
    PointKind kind = PointKind::Software;
    u64 address = 0;
    u64 size = 1;  // of watchpoints
    bool operator==(const Point&) const = default;
  };

  // Setting one that is set changes nothing. False if there are too many.
  bool set(const Point& point);
  // Removing one that is not set changes nothing.
  void remove(const Point& point) { std::erase(points_, point); }
  void clear() { points_.clear(); }
  // What an accelerator is to stop for.
  DebugPoints wanted() const;
  // Which one has that address to stop at.
  std::optional<PointKind> code_at(u64 address) const;

 private:
  std::vector<Point> points_;
};

}  // namespace backplane::host::gdb
