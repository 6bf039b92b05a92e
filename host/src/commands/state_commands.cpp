// SPDX-License-Identifier: MIT
// Saving the machine, and sending it to another program.
#include <optional>

#include "backplane/compressor.h"
#include "backplane/error.h"
#include "backplane/migration.h"
#include "commands/commands.h"
#include "launch/progress.h"
#include "launch/saved_state.h"

namespace backplane::host {

namespace {

Value save_in(CommandContext& context, const Arguments& arguments,
              const std::filesystem::path& file) {
  ProgressLine progress("saving");
  context.migration.save(file, arguments.text_or("compressor", ""), progress.shower());
  return {};
}

Value save(CommandContext& context, const Arguments& arguments) {
  const StatePlace place = state_place(arguments.text("filename"));
  if (!place.socket.empty())
    throw Error::of("'{}': expects a file", place.socket)
        .with_hint("migrate sends the machine to a socket");
  return save_in(context, arguments, place.file);
}

Value migrate(CommandContext& context, const Arguments& arguments) {
  if (arguments.flag("resume"))
    throw Error("Parameter 'resume': a migration that was interrupted begins anew");
  const StatePlace place = state_place(arguments.text("uri"));
  if (place.socket.empty()) return save_in(context, arguments, place.file);
  const bool is_waited_for = !arguments.flag("detach") && context.finished;
  context.migration.start(place.socket, arguments.text_or("compressor", ""),
                          is_waited_for ? context.finished : Migration::Ended());
  context.goes_on = is_waited_for;
  return {};
}

Value cancel(CommandContext& context, const Arguments&) {
  context.migration.cancel();
  return {};
}

Value query(CommandContext& context, const Arguments&) { return context.migration.progress(); }

std::string print_progress(const Value& progress) {
  constexpr u64 kKib = 1024;
  const Value* const status = progress.find("status");
  std::string text =
      fmt::format("Migration status: {}\n", status == nullptr ? "none" : status->as_string());
  const auto add = [&text](const Value* value, std::string_view name, u64 unit,
                           std::string_view suffix) {
    if (value != nullptr)
      text += fmt::format("{}: {}{}\n", name, value->as_unsigned() / unit, suffix);
  };
  add(progress.find("total-time"), "total time", 1, " ms");
  add(progress.find("expected-downtime"), "expected downtime", 1, " ms");
  add(progress.find("downtime"), "downtime", 1, " ms");
  if (const Value* const ram = progress.find("ram")) {
    add(ram->find("transferred"), "transferred ram", kKib, " kbytes");
    add(ram->find("remaining"), "remaining ram", kKib, " kbytes");
    add(ram->find("total"), "total ram", kKib, " kbytes");
    add(ram->find("dirty-sync-count"), "dirty sync count", 1, "");
  }
  if (const Value* const problem = progress.find("error-desc"))
    text += fmt::format("error: {}\n", problem->as_string());
  return text;
}

Value list_compressors(CommandContext&, const Arguments&) {
  Value::List list;
  for (const CatalogueEntry& entry : catalogue(kCompressorKind))
    list.push_back(Value::Record{{"name", entry.name}, {"description", entry.type.description}});
  return list;
}

constexpr CommandArgument kCompressor{.name = "compressor",
                                      .type = &kText,
                                      .optional = true,
                                      .letter = 'z',
                                      .help = "what packs RAM; 'info compressors' lists them",
                                      .kind = &kCompressorKind};
constexpr CommandArgument kSaveArguments[] = {kCompressor, {.name = "filename", .type = &kText}};
constexpr CommandArgument kMigrateArguments[] = {
    {.name = "detach",
     .type = &kBoolean,
     .optional = true,
     .letter = 'd',
     .help = "the prompt does not wait"},
    {.name = "resume", .type = &kBoolean, .optional = true, .letter = 'r', .help = "is refused"},
    kCompressor,
    {.name = "uri", .type = &kText, .help = "file:FILE, unix:PATH, tcp:HOST:PORT or fd:NAME"}};

constexpr TypeMember kRamMembers[] = {{"transferred", &kBytes}, {"remaining", &kBytes},
                                      {"total", &kBytes},       {"page-size", &kBytes},
                                      {"mbps", &kNumber},       {"dirty-sync-count", &kInteger}};
constexpr ValueType kRam = record_of(kRamMembers);
constexpr std::string_view kStatuses[] = {"setup",     "active", "device",
                                          "completed", "failed", "cancelled"};
constexpr ValueType kStatus = one_of(kStatuses);
constexpr TypeMember kProgressMembers[] = {
    {"status", &kStatus, true},    {"total-time", &kInteger, true},
    {"downtime", &kInteger, true}, {"expected-downtime", &kInteger, true},
    {"ram", &kRam, true},          {"error-desc", &kText, true}};
constexpr ValueType kProgress = record_of(kProgressMembers);
constexpr TypeMember kCompressorMembers[] = {{"name", &kText}, {"description", &kText}};
constexpr ValueType kCompressorInfo = record_of(kCompressorMembers);
constexpr ValueType kCompressors = list_of(kCompressorInfo);

constexpr Command kCommands[] = {
    {.name = "savestate",
     .help = "save the machine as it is now, for -loadstate",
     .arguments = kSaveArguments,
     .in = {Presence::Here},
     .run = save},
    {.name = "migrate",
     .help = "send it to where -incoming waits",
     .arguments = kMigrateArguments,
     .in = {Presence::Here},
     .run = migrate},
    {.name = "migrate_cancel", .help = "keep it here", .run = cancel},
    {.name = "query-migrate",
     .help = "how far 'migrate' has come",
     .returns = &kProgress,
     .run = query,
     .print = print_progress,
     .out_of_band = true},
    {.name = "query-compressors",
     .help = "what can pack a saved machine",
     .returns = &kCompressors,
     .run = list_compressors},
};

}  // namespace

std::span<const Command> state_commands() { return kCommands; }

}  // namespace backplane::host
