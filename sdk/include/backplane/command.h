// SPDX-License-Identifier: MIT
// Commands: what a machine, or one of its objects, can be asked and told, as rows of tables. The
// human monitor, QMP, its schema and the help are made from the rows: a command's function sees
// values alone.
//
//   constexpr CommandArgument kBalloonArguments[] = {
//       {.name = "value", .type = &kBytes, .unit = 1_MiB, .help = "RAM that the guest may use"}};
//   constexpr Command kCommands[] = {
//       {.name = "balloon", .help = "ask the guest to make do with this much memory",
//        .arguments = kBalloonArguments, .run = balloon}};
//
// Threads: every function is called on the main loop's thread, machine lock held. The machine may
// be running.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/error.h"
#include "backplane/event.h"
#include "backplane/object.h"
#include "backplane/presence.h"
#include "backplane/value.h"

namespace backplane {

class Machine;
class Migration;
struct Kind;

struct CommandArgument {
  std::string_view name;
  const ValueType* type;
  bool optional = false;
  // In the human monitor: given as -z VALUE, or -d where it is a boolean, instead of by its place.
  char letter = 0;
  // The same: what a number without a suffix counts, in bytes.
  u64 unit = 1;
  std::string_view help = {};
  // The same, for Tab: it names a type of that kind, or one of these. Any other word may be right.
  const Kind* kind = nullptr;
  std::vector<std::string> (*choices)(Machine& machine) = nullptr;
};

// What was given for a command's arguments, checked against its row.
class Arguments {
 public:
  explicit Arguments(Value given) : given_(std::move(given)) {}

  bool has(std::string_view name) const { return given_.find(name) != nullptr; }
  // Of an argument that is there, or has to be.
  const Value& at(std::string_view name) const;
  const std::string& text(std::string_view name) const { return at(name).as_string(); }
  u64 number(std::string_view name) const { return at(name).as_unsigned(); }
  // What stands for one that was left out.
  std::string text_or(std::string_view name, std::string_view otherwise) const;
  bool flag(std::string_view name) const;  // false
  // All of them, in the order given, but for those named: the properties of what is to be made.
  Value::Record but(std::span<const std::string_view> names) const;

 private:
  Value given_;
};

// What commands act on, and for whom.
struct CommandContext {
  Machine& machine;
  Migration& migration;
  // Whose row it is, if an object has brought it.
  Object* offering = nullptr;
  // The program was told to end: nothing more is to be read.
  bool quit = false;
  // Set by who can wait for a command that goes on after it returned. Such a command sets goes_on
  // and calls this once, with what has gone wrong, if something has. Elsewhere it is empty, and the
  // command returns when it has begun.
  std::function<void(const std::optional<Error>& failure)> finished = {};
  bool goes_on = false;
};

struct Command {
  std::string_view name;  // as QEMU's QMP has it, where that has it
  std::string_view help;  // what it does: one line
  std::span<const CommandArgument> arguments = {};
  // Others may be given too: properties.
  bool takes_properties = false;
  const ValueType* returns = &kNothing;
  // Where the machine has to be; run() refuses elsewhere.
  Presences in = kWherever;
  // Throws Error. Null is returned for nothing.
  Value (*run)(CommandContext& context, const Arguments& arguments);
  // Text instead of the lines that any value has, in the human monitor.
  std::string (*print)(const Value& result) = nullptr;
  // Its words are of no use to people: a program's handshake, or what no line can say.
  bool for_programs = false;
  // A program may have it carried out before commands that it sent earlier: it changes nothing of
  // the machine, and is done at once.
  bool out_of_band = false;
};

// An Error of a class of its own, by which programs tell it from others: "DeviceNotFound". Others
// are of the class "GenericError".
class CommandError final : public Error {
 public:
  CommandError(std::string error_class, const std::string& message)
      : Error(message), error_class_(std::move(error_class)) {}
  const std::string& error_class() const { return error_class_; }

 private:
  std::string error_class_;
};

// What a command takes, as one type.
std::vector<TypeMember> members_of(std::span<const CommandArgument> arguments);

// Runs it with arguments that anybody may have given: a record, or null for none. Throws Error.
Value run(const Command& command, CommandContext& context, Value arguments);

// An object that has commands of its own. The first object in the tree that offers a name has it,
// and the program's own commands come before; but where several offer a query, each answers in the
// human monitor, in tree order. Its type's file says BACKPLANE_MONITOR_WORD(), so that the monitor
// can tell what to add to a machine that has none.
class CommandProvider {
 public:
  virtual ~CommandProvider();

  // Static storage.
  virtual std::span<const Command> commands() const = 0;
  // What it reports, besides.
  virtual std::span<const EventType* const> events() const { return {}; }
};

// Every object of type Interface in the tree below root (inclusive), parents before children.
template <class Interface>
std::vector<Interface*> objects_offering(Object& root) {
  std::vector<Interface*> found;
  if (auto* self = dynamic_cast<Interface*>(&root)) found.push_back(self);
  for (const auto& child : root.children())
    for (Interface* below : objects_offering<Interface>(*child)) found.push_back(below);
  return found;
}

}  // namespace backplane

// In a file that registers a type: the monitor knows this word, as a command or a topic of `info`,
// where the machine has a device of that type. Both are string literals.
#define BACKPLANE_MONITOR_WORD(word, type) BACKPLANE_MODINFO("monitor", word ":" type)
