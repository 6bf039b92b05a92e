// SPDX-License-Identifier: MIT
// Commands that say what is logged.
#include "backplane/log.h"
#include "backplane/trace.h"
#include "commands/choices.h"
#include "commands/commands.h"

namespace backplane::host {

namespace {

Value set_log(CommandContext&, const Arguments& arguments) {
  log::set(arguments.text("items"));
  return {};
}

Value query_log(CommandContext&, const Arguments&) {
  Value::List items;
  for (const LogCategoryInfo& info : log::categories())
    items.push_back(Value::Record{{"name", info.name},
                                  {"enabled", log::enabled(info.category)},
                                  {"description", info.description}});
  return items;
}

Value get_trace_state(CommandContext&, const Arguments& arguments) {
  const std::string& pattern = arguments.text("name");
  Value::List points;
  for (const TracePoints::State& point : TracePoints::list(pattern))
    points.push_back(
        Value::Record{{"name", point.name}, {"state", point.on ? "enabled" : "disabled"}});
  if (points.empty()) throw Error::of("nothing to trace is called '{}'", pattern);
  return points;
}

Value set_trace_state(CommandContext&, const Arguments& arguments) {
  const std::string& pattern = arguments.text("name");
  if (!TracePoints::any(pattern)) throw Error::of("nothing to trace is called '{}'", pattern);
  TracePoints::set(pattern, arguments.flag("enable"));
  return {};
}

constexpr TypeMember kLogItemMembers[] = {
    {"name", &kText}, {"enabled", &kBoolean}, {"description", &kText}};
constexpr ValueType kLogItem = record_of(kLogItemMembers);
constexpr ValueType kLogItems = list_of(kLogItem);

constexpr std::string_view kStateNames[] = {"disabled", "enabled"};
constexpr ValueType kState = one_of(kStateNames);
constexpr TypeMember kPointMembers[] = {{"name", &kText}, {"state", &kState}};
constexpr ValueType kPoint = record_of(kPointMembers);
constexpr ValueType kPoints = list_of(kPoint);

constexpr CommandArgument kItems[] = {
    {.name = "items", .type = &kText, .help = "as -d takes them, or none", .choices = log_items}};
constexpr CommandArgument kPattern[] = {{.name = "name",
                                         .type = &kText,
                                         .help = "of what can be traced; * and ? stand for others",
                                         .choices = traced_names}};
constexpr CommandArgument kSwitch[] = {{.name = "name",
                                        .type = &kText,
                                        .help = "of what can be traced; * and ? stand for others",
                                        .choices = traced_names},
                                       {.name = "enable", .type = &kBoolean}};

constexpr Command kCommands[] = {
    {.name = "log",
     .help = "log this from now on, and nothing else: as -d has it, or none",
     .arguments = kItems,
     .run = set_log},
    {.name = "query-log", .help = "what is logged", .returns = &kLogItems, .run = query_log},
    {.name = "trace-event-get-state",
     .help = "what of devices can be traced, and is",
     .arguments = kPattern,
     .returns = &kPoints,
     .run = get_trace_state},
    {.name = "trace-event-set-state",
     .help = "trace it from now on, or no more",
     .arguments = kSwitch,
     .run = set_trace_state},
};

}  // namespace

std::span<const Command> log_commands() { return kCommands; }

}  // namespace backplane::host
