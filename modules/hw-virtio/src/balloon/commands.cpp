// SPDX-License-Identifier: MIT
// What a balloon can be asked and told, and reports.
#include "backplane/machine.h"
#include "balloon/balloon.h"

namespace backplane {

namespace {

VirtioBalloon& balloon_of(const CommandContext& context) {
  return dynamic_cast<VirtioBalloon&>(*context.offering);
}

Value set_target(CommandContext& context, const Arguments& arguments) {
  const u64 bytes = arguments.number("value");
  if (bytes == 0) throw Error("Parameter 'value' expects a size");
  balloon_of(context).set_target(bytes);
  return {};
}

Value query(CommandContext& context, const Arguments&) {
  const VirtioBalloon& balloon = balloon_of(context);
  Value::Record known{{"actual", balloon.actual()}};
  if (Value::Record statistics = balloon.statistics(); !statistics.empty())
    known.push_back({"statistics", std::move(statistics)});
  return known;
}

std::string print(const Value& known) {
  std::string text = fmt::format("balloon: actual={}\n", known.find("actual")->as_unsigned() >> 20);
  if (const Value* const statistics = known.find("statistics")) text += to_text(*statistics);
  return text;
}

constexpr CommandArgument kTarget[] = {
    {.name = "value", .type = &kBytes, .unit = 1_MiB, .help = "RAM that the guest may use"}};
// Names of statistics are the guest's to choose from.
constexpr ValueType kStatistics = open_record_of({});
constexpr TypeMember kActual[] = {{"actual", &kBytes}};
constexpr TypeMember kKnownMembers[] = {{"actual", &kBytes}, {"statistics", &kStatistics, true}};
constexpr ValueType kKnown = record_of(kKnownMembers);

constexpr Command kCommands[] = {
    {.name = "balloon",
     .help = "ask the guest to make do with this much memory",
     .arguments = kTarget,
     .in = {Presence::Awaited, Presence::Here},
     .run = set_target},
    {.name = "query-balloon",
     .help = "how much memory the guest has, and what it says of it",
     .returns = &kKnown,
     .run = query,
     .print = print},
};

constexpr EventType kChanged{"BALLOON_CHANGE", kActual};
constexpr const EventType* kEvents[] = {&kChanged};

}  // namespace

std::span<const Command> VirtioBalloon::commands() const { return kCommands; }

std::span<const EventType* const> VirtioBalloon::events() const { return kEvents; }

void VirtioBalloon::report_change() {
  changed_ = true;
  if (change_timer_->armed()) return;
  changed_ = false;
  tell_change();
}

void VirtioBalloon::tell_change() {
  constexpr i64 kPause = 1'000'000'000;  // ns
  change_timer_->arm_in(kPause);
  machine().events().send(kChanged, Value::Record{{"actual", actual()}});
}

}  // namespace backplane
