// SPDX-License-Identifier: MIT
// Interrupt lines that a client watches, in place of who receives them.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "backplane/irq.h"

namespace backplane {
class Object;
}

namespace backplane::qtest {

// Machine lock.
class Interceptions {
 public:
  // How the client is told: the number of the line and its level.
  using Tell = std::function<void(unsigned number, bool level)>;

  // `root`: of the tree that objects are looked for in.
  Interceptions(Object& root, Tell tell);
  ~Interceptions();
  Interceptions(const Interceptions&) = delete;
  Interceptions& operator=(const Interceptions&) = delete;

  // From now on the client is told of what reaches the inputs of an object, or what its outputs
  // drive; who would receive it is not. `name`: the object's path, or what it calls a group of
  // pins ("ioapic"). Throws Error if there is none.
  void add_inputs(std::string_view name);
  void add_outputs(std::string_view name);
  // Gives all lines back to who receives them.
  void end();

  // Whose input that is. `group` is empty, "unnamed-gpio-in", or what the object calls it. Throws
  // Error.
  IrqSink& receiver(std::string_view name, std::string_view group, u64 input) const;

 private:
  class Watch;
  void watch(IrqSink& receiver, std::vector<unsigned> inputs);

  Object& root_;
  Tell tell_;
  std::vector<std::unique_ptr<Watch>> watches_;
};

}  // namespace backplane::qtest
