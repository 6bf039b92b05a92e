// SPDX-License-Identifier: MIT
// What an object of the machine offers to the monitor. An object implements one of these
// interfaces beside its type; the monitor finds it in the composition tree, so nothing registers.
//
// Threads: every function is called on the main loop's thread, machine lock held. The machine may
// be running.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/object.h"

namespace backplane {

// Has something to say to `info TOPIC`. Several objects may share a topic: the monitor prints
// them in tree order.
class InfoProvider {
 public:
  virtual ~InfoProvider();

  // One lower-case word: "irq".
  virtual std::string_view info_topic() const = 0;
  // Lines, each ended by a newline.
  virtual std::string info() const = 0;
};

// A command that an object adds to the monitor, as a row of a table.
struct ObjectCommand {
  std::string_view name;
  std::string_view arguments;  // "MIB", for the help
  std::string_view help;
  // Carries it out on the object that offers it; returns what is printed, lines each ended by a
  // newline. Throws Error.
  std::string (*run)(Object& offering, const std::vector<std::string>& arguments);
};

// Has commands of its own. The first object in the tree that offers a name has it, and names of the
// monitor's own commands come before. Its type's file says BACKPLANE_MONITOR_WORD(), so that the
// monitor can tell what to add to a machine that has none.
class CommandProvider {
 public:
  virtual ~CommandProvider();

  // Static storage.
  virtual std::span<const ObjectCommand> commands() const = 0;
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
