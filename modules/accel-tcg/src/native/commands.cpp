// SPDX-License-Identifier: MIT
#include "native/commands.h"

#include <fmt/format.h>

#include "backplane/modinfo.h"

namespace backplane::tcg {
namespace {

// In the order of the record, with what people read.
struct Row {
  std::string_view name, text;
  u64 NativeVcpu::Counters::*number;
};
constexpr Row kRows[] = {{"stubs", "stubs started", &NativeVcpu::Counters::stubs},
                         {"live-stubs", "stubs now", &NativeVcpu::Counters::live_stubs},
                         {"lost-stubs", "stubs lost", &NativeVcpu::Counters::lost},
                         {"promoted", "address spaces promoted", &NativeVcpu::Counters::promoted},
                         {"rests", "rests of these", &NativeVcpu::Counters::rests},
                         {"entries", "entries", &NativeVcpu::Counters::entries},
                         {"kicks", "kicks", &NativeVcpu::Counters::kicks},
                         {"faults", "faults served", &NativeVcpu::Counters::faults},
                         {"pages", "pages mapped", &NativeVcpu::Counters::pages},
                         {"validations", "validations", &NativeVcpu::Counters::validations},
                         {"banned", "pages found banned", &NativeVcpu::Counters::banned}};

Value query(CommandContext& context, const Arguments&) {
  const auto& reporter = dynamic_cast<const NativeReporter&>(*context.offering);
  const std::optional<std::string> reason = reporter.no_native_reason();
  Value::Record status{{"enabled", !reason}};
  if (reason) status.push_back({"reason", *reason});
  const NativeVcpu::Counters counters = reporter.native_counters();
  for (const Row& row : kRows) status.push_back({std::string(row.name), counters.*row.number});
  return status;
}

std::string print(const Value& status) {
  if (!status.find("enabled")->as_bool())
    return fmt::format("native tier: none: {}\n", status.find("reason")->as_string());
  std::string text = "native tier: in use\n";
  for (const Row& row : kRows)
    text += fmt::format("{}: {}\n", row.text, status.find(row.name)->as_unsigned());
  return text;
}

constexpr TypeMember kStatusMembers[] = {
    {"enabled", &kBoolean},    {"reason", &kText, true},  {"stubs", &kInteger},
    {"live-stubs", &kInteger}, {"lost-stubs", &kInteger}, {"promoted", &kInteger},
    {"rests", &kInteger},      {"entries", &kInteger},    {"kicks", &kInteger},
    {"faults", &kInteger},     {"pages", &kInteger},      {"validations", &kInteger},
    {"banned", &kInteger}};
constexpr ValueType kStatus = record_of(kStatusMembers);

constexpr Command kCommands[] = {{.name = "query-native",
                                  .help = "the native tier of accel-tcg, and what it has done",
                                  .returns = &kStatus,
                                  .run = query,
                                  .print = print}};

}  // namespace

std::span<const Command> native_commands() { return kCommands; }

}  // namespace backplane::tcg
