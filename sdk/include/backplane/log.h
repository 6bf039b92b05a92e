// SPDX-License-Identifier: MIT
// Diagnostics: `-d LIST` chooses categories, `-D FILE` the destination (stderr by default).
// Every function may be called on any thread.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backplane/types.h"

namespace backplane {

enum class LogCategory : unsigned {
  GuestErrors,    // guest_errors: what the guest did against a specification, once per kind
  Unimplemented,  // unimp: a documented feature that a device leaves out
  Realize,        // realize: the realize chain of each device, as it happens
  Accel,          // accel: which accelerator runs, and why others did not
  Module,         // module: modules found, refused, loaded
  Int,            // int: exceptions and interrupts of the guest
  Cpu,            // cpu: register state at each block
  InAsm,          // in_asm: guest instructions of each translated block
  OutAsm,         // out_asm: host instructions of each translated block
  Exec,           // exec: each block entered
  Mmu,            // mmu: page walks and TLB flushes
  Pci,            // pci: configuration, BAR mapping
  Virtio,         // virtio: transport and queue events
  Count
};

struct LogCategoryInfo {
  LogCategory category;
  std::string_view name;
  std::string_view description;
};

namespace log {

// All categories, for `-d help`.
const std::vector<LogCategoryInfo>& categories();

// Enables a comma-separated list of names, and of "trace:PATTERN" (trace.h). Throws Error naming
// the first unknown one, and changes nothing then.
void enable(std::string_view list);
// The same, and nothing else any more; "none": nothing.
void set(std::string_view list);

// Sends log lines to a file instead of stderr; empty: to stderr again. Throws Error if it cannot be
// opened.
void set_file(const std::string& path);

extern std::atomic<unsigned> enabled_mask;
inline bool enabled(LogCategory c) {
  return (enabled_mask.load(std::memory_order_relaxed) >> static_cast<unsigned>(c)) & 1U;
}

// Writes text as it is (no newline added) to the log destination.
void write(std::string_view text);

template <class... Args>
void print(LogCategory c, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(c)) write(fmt::format(format, std::forward<Args>(args)...) + "\n");
}

// A line for the user on stderr, prefixed by the program's name: "backplane: warning: ...".
void warn(std::string_view message);
// "backplane: ..." without "warning: ".
void report(std::string_view message);
// Lines for the user begin with the time, in UTC (-msg timestamp=on).
void set_timestamps(bool on);
// Called once, before other threads exist.
void set_program_name(std::string_view name);
const std::string& program_name();

}  // namespace log

// Log lines of one owner, each kind once, so that a hostile guest cannot flood the log. A kind is
// what is said (the format string), unless the caller says otherwise. The owner's lock.
class OncePerKind {
 public:
  explicit OncePerKind(LogCategory category) : category_(category) {}

  template <class... Args>
  void operator()(fmt::format_string<Args...> format, Args&&... args) {
    const auto text = fmt::string_view(format);
    of_kind({text.data(), text.size()}, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void of_kind(std::string_view kind, fmt::format_string<Args...> format, Args&&... args) {
    if (log::enabled(category_) && is_new(kind))
      log::print(category_, format, std::forward<Args>(args)...);
  }

 private:
  // Also false when there are more kinds than any owner has.
  bool is_new(std::string_view kind);

  LogCategory category_;
  std::vector<std::string> seen_;
};

// What the guest did against a specification.
struct GuestErrors : OncePerKind {
  GuestErrors() : OncePerKind(LogCategory::GuestErrors) {}
};
// What the guest would have of a device, as documented, that the device leaves out.
struct Unimplemented : OncePerKind {
  Unimplemented() : OncePerKind(LogCategory::Unimplemented) {}
};

}  // namespace backplane
