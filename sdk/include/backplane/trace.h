// SPDX-License-Identifier: MIT
// Points of a device's work that users can look at while it happens: `-d trace:PATTERN`, or the
// monitor's `log trace:PATTERN`. Each has a name; a pattern has the wildcards * and ?.
//
// Each region of device registers is such a point, by the name that `info mtree` shows. A device
// adds others:
//
//   TracePoint finished_{"adder-finished"};                     // a member
//   finished_("{} of {} numbers", done, count);                 // where it happens
//
// They are made and turned on and off under the machine lock, or before anything runs; asked on any
// thread.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backplane {

class TracePoint {
 public:
  explicit TracePoint(std::string name);
  ~TracePoint();
  TracePoint(const TracePoint&) = delete;
  TracePoint& operator=(const TracePoint&) = delete;

  const std::string& name() const { return name_; }
  bool on() const { return on_.load(std::memory_order_relaxed); }

  // A line of the log, if it is on: "adder-finished: 3 of 4 numbers".
  template <class... Args>
  void operator()(fmt::format_string<Args...> format, Args&&... args) const {
    if (on()) write(fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  friend class TracePoints;
  void write(std::string_view text) const;

  std::string name_;
  std::atomic<bool> on_{false};
};

// All there are.
class TracePoints {
 public:
  // Turns those whose names match on or off; also those that are made later.
  static void set(std::string_view pattern, bool on);
  // Whether one of that name, or one that matches, is there now.
  static bool any(std::string_view pattern);

  struct State {
    std::string name;
    bool on;
  };
  // Those that match, sorted by name, each name once.
  static std::vector<State> list(std::string_view pattern);

 private:
  friend class TracePoint;
  struct Registry;
  static Registry& registry();
};

}  // namespace backplane
