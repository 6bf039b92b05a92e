// SPDX-License-Identifier: MIT
#include "backplane/trace.h"

#include <glib.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "backplane/log.h"

namespace backplane {

namespace {

bool matches(const std::string& pattern, const std::string& name) {
  return g_pattern_match_simple(pattern.c_str(), name.c_str()) != FALSE;
}

}  // namespace

struct TracePoints::Registry {
  struct Rule {
    std::string pattern;
    bool on;
  };
  std::mutex mutex;
  std::vector<TracePoint*> points;
  std::vector<Rule> rules;  // the last one that matches counts

  bool wanted(const std::string& name) const {
    const auto last = std::find_if(rules.rbegin(), rules.rend(),
                                   [&](const Rule& rule) { return matches(rule.pattern, name); });
    return last != rules.rend() && last->on;
  }
};

// Outlives every static object, since points may be some.
TracePoints::Registry& TracePoints::registry() {
  static auto* const instance = new Registry;
  return *instance;
}

TracePoint::TracePoint(std::string name) : name_(std::move(name)) {
  TracePoints::Registry& all = TracePoints::registry();
  const std::lock_guard lock(all.mutex);
  all.points.push_back(this);
  on_ = all.wanted(name_);
}

TracePoint::~TracePoint() {
  TracePoints::Registry& all = TracePoints::registry();
  const std::lock_guard lock(all.mutex);
  std::erase(all.points, this);
}

void TracePoint::write(std::string_view text) const {
  log::write(fmt::format("{}: {}\n", name_, text));
}

void TracePoints::set(std::string_view pattern, bool on) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  // What the new rule covers is not needed any more, if it is the same or all.
  std::erase_if(all.rules, [&](const Registry::Rule& rule) {
    return rule.pattern == pattern || pattern == "*";
  });
  all.rules.push_back({std::string(pattern), on});
  for (TracePoint* const point : all.points)
    if (matches(all.rules.back().pattern, point->name_)) point->on_ = on;
}

bool TracePoints::any(std::string_view pattern) { return !list(pattern).empty(); }

std::vector<TracePoints::State> TracePoints::list(std::string_view pattern) {
  std::map<std::string, bool> found;
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (const TracePoint* const point : all.points)
    if (matches(std::string(pattern), point->name_)) found[point->name_] |= point->on();
  std::vector<State> states;
  states.reserve(found.size());
  for (const auto& [name, on] : found) states.push_back({name, on});
  return states;
}

}  // namespace backplane
