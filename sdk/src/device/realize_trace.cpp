// SPDX-License-Identifier: MIT
#include "device/realize_trace.h"

#include <chrono>
#include <exception>
#include <vector>

#include "backplane/log.h"
#include "backplane/module.h"

namespace backplane {

namespace {

struct Line {
  unsigned depth;
  std::string type;
  std::string step;
  std::string file;
  i64 microseconds;
  bool failed;
};

// The lines of the chain under way, in the order in which its steps began.
struct Trace {
  unsigned depth = 0;
  std::vector<Line> lines;
  std::string failed_step;
};
thread_local Trace trace;

constexpr std::size_t kNotTraced = ~std::size_t{0};

i64 host_now() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void print_lines() {
  for (const Line& line : trace.lines)
    log::print(LogCategory::Realize, "{:{}}{}: {} ({}, {} us{})", "", line.depth * 2, line.type,
               line.step, line.file, line.microseconds, line.failed ? ", failed" : "");
  trace.lines.clear();
}

}  // namespace

const std::string& RealizeTrace::failed_step() { return trace.failed_step; }
void RealizeTrace::forget_failure() { trace.failed_step.clear(); }

// The device's own class needs no name: the line begins with it.
RealizeTrace::RealizeTrace(const Device& device, const TypeInfo& type, std::string_view step)
    : step_(device.type_name() == type.name ? std::string(step)
                                            : fmt::format("{} {}", type.name, step)),
      exceptions_(std::uncaught_exceptions()),
      line_(kNotTraced),
      start_ns_(host_now()) {
  if (log::enabled(LogCategory::Realize)) {
    line_ = trace.lines.size();
    trace.lines.push_back({trace.depth, std::string(device.type_name()), step_,
                           file_of_address(type.file_anchor), 0, false});
  }
  ++trace.depth;
}

RealizeTrace::~RealizeTrace() {
  --trace.depth;
  const bool failed = std::uncaught_exceptions() > exceptions_;
  if (!failed)
    trace.failed_step.clear();
  else if (trace.failed_step.empty())
    trace.failed_step = step_;
  if (line_ < trace.lines.size()) {
    trace.lines[line_].microseconds = (host_now() - start_ns_) / 1000;
    trace.lines[line_].failed = failed;
  }
  if (trace.depth == 0) print_lines();
}

}  // namespace backplane
