// SPDX-License-Identifier: MIT
// What an object of the machine offers to the monitor. An object implements one of these
// interfaces beside its type; the monitor finds it in the composition tree, so nothing registers.
//
// Threads: every function is called on the main loop's thread, machine lock held. The machine may
// be running.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/object.h"
#include "backplane/types.h"

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

// A memory balloon: `balloon MIB` and `info balloon`.
class BalloonControl {
 public:
  virtual ~BalloonControl();

  // Bytes of RAM that the guest has now: its RAM less what the balloon holds.
  virtual u64 balloon_actual() const = 0;
  // Asks the guest to inflate or deflate until it has `bytes`; the implementation clamps to the
  // machine's RAM. The guest follows in its own time. Throws Error if it cannot be asked.
  virtual void set_balloon_target(u64 bytes) = 0;
  // The guest's memory statistics, one "name: value" a line, each ended by a newline; empty if
  // the guest gave none.
  virtual std::string balloon_statistics() const { return {}; }
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
