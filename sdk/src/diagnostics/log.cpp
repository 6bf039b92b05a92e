// SPDX-License-Identifier: MIT
#include "backplane/log.h"

#include <fmt/chrono.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <mutex>

#include "backplane/error.h"
#include "backplane/trace.h"
#include "diagnostics/log_file.h"

namespace backplane::log {

namespace {

// Outlives every static object, since lines may be written while the program ends.
struct Destination {
  std::mutex mutex;
  std::FILE* file = stderr;
  std::string program_name = "backplane";
  bool timestamps = false;
};

Destination& destination() {
  static auto* const instance = new Destination;
  return *instance;
}

// "2026-11-29T17:15:00.123456Z ".
std::string timestamp() {
  using namespace std::chrono;
  const auto now = floor<microseconds>(system_clock::now());
  return fmt::format("{:%FT%T}.{:06}Z ", fmt::gmtime(system_clock::to_time_t(now)),
                     now.time_since_epoch().count() % 1'000'000);
}

void to_user(std::string_view kind, std::string_view message) {
  Destination& out = destination();
  const std::lock_guard lock(out.mutex);
  const std::string line = fmt::format("{}{}: {}{}\n", out.timestamps ? timestamp() : std::string(),
                                       out.program_name, kind, printable(message));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

std::vector<std::string_view> known_names() {
  std::vector<std::string_view> names;
  for (const LogCategoryInfo& info : categories()) names.push_back(info.name);
  names.push_back("trace:PATTERN");
  return names;
}

// What a list of -d asks for.
struct Items {
  unsigned categories = 0;  // bits, as in enabled_mask
  std::vector<std::string> traced;
};

Items parse(std::string_view list) {
  constexpr std::string_view kTrace = "trace:";
  Items items;
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    const auto& table = categories();
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const LogCategoryInfo& info) { return info.name == name; });
    if (name.starts_with(kTrace) && name.size() > kTrace.size())
      items.traced.emplace_back(name.substr(kTrace.size()));
    else if (found != table.end())
      items.categories |= 1U << static_cast<unsigned>(found->category);
    else
      throw Error::of("no log category is called '{}'; there are: {}", name,
                      fmt::join(known_names(), ", "));
    if (comma == std::string_view::npos) return items;
    list.remove_prefix(comma + 1);
  }
}

void turn_on(const Items& items) {
  enabled_mask.fetch_or(items.categories, std::memory_order_relaxed);
  for (const std::string& pattern : items.traced) TracePoints::set(pattern, true);
}

}  // namespace

std::atomic<unsigned> enabled_mask{0};

const std::vector<LogCategoryInfo>& categories() {
  static const auto* const table = new std::vector<LogCategoryInfo>{
      {LogCategory::GuestErrors, "guest_errors",
       "what the guest did against a specification, once per kind"},
      {LogCategory::Unimplemented, "unimp", "documented features that a device leaves out"},
      {LogCategory::Realize, "realize", "the realize chain of each device, as it happens"},
      {LogCategory::Accel, "accel", "which accelerator runs, and why others did not"},
      {LogCategory::Module, "module", "modules found, refused and loaded"},
      {LogCategory::Int, "int", "exceptions and interrupts of the guest"},
      {LogCategory::Cpu, "cpu", "register state at each block"},
      {LogCategory::InAsm, "in_asm", "guest instructions of each translated block"},
      {LogCategory::OutAsm, "out_asm", "host instructions of each translated block"},
      {LogCategory::Exec, "exec", "each block entered"},
      {LogCategory::Mmu, "mmu", "page walks and TLB flushes"},
      {LogCategory::Pci, "pci", "PCI configuration and BAR mapping"},
      {LogCategory::Virtio, "virtio", "virtio transport and queue events"},
  };
  return *table;
}

void enable(std::string_view list) { turn_on(parse(list)); }

void set(std::string_view list) {
  const Items items = list == "none" ? Items() : parse(list);
  enabled_mask.store(0, std::memory_order_relaxed);
  TracePoints::set("*", false);
  turn_on(items);
}

void set_file(const std::string& path) {
  std::FILE* const file = path.empty() ? stderr : open_log_file(path);
  if (file == nullptr) throw Error::system(fmt::format("cannot write log file '{}'", path), errno);
  Destination& out = destination();
  const std::lock_guard lock(out.mutex);
  if (out.file != stderr) std::fclose(out.file);
  out.file = file;
}

void write(std::string_view text) {
  Destination& out = destination();
  const std::lock_guard lock(out.mutex);
  std::fwrite(text.data(), 1, text.size(), out.file);
}

void warn(std::string_view message) { to_user("warning: ", message); }

void report(std::string_view message) { to_user("", message); }

void set_timestamps(bool on) {
  Destination& out = destination();
  const std::lock_guard lock(out.mutex);
  out.timestamps = on;
}

void set_program_name(std::string_view name) {
  Destination& out = destination();
  const std::lock_guard lock(out.mutex);
  out.program_name = name;
}

const std::string& program_name() { return destination().program_name; }

}  // namespace backplane::log

namespace backplane {

bool OncePerKind::is_new(std::string_view kind) {
  constexpr std::size_t kMostKinds = 32;
  if (seen_.size() == kMostKinds || std::find(seen_.begin(), seen_.end(), kind) != seen_.end())
    return false;
  seen_.emplace_back(kind);
  return true;
}

}  // namespace backplane
