// SPDX-License-Identifier: MIT
// Keys that the program itself presses for the user, one group after the other.
#pragma once

#include <deque>
#include <vector>

#include "backplane/clock.h"
#include "backplane/input.h"

namespace backplane::host {

// Main thread, machine lock.
class Typing {
 public:
  Typing(Machine& machine, Inputs& inputs);

  // Presses the keys in that order as soon as those typed before are released, holds them for so
  // long (ms of the guest's time), and releases them, the last one first. Throws Error: too many
  // wait.
  void type(std::vector<KeyCode> keys, u64 hold);

 private:
  struct Group {
    std::vector<KeyCode> keys;
    i64 hold;  // ns
  };
  void press();
  void next();

  Inputs& inputs_;
  std::deque<Group> groups_;  // the first one is pressed, or was just released
  bool pressed_ = false;
  Timer timer_;
};

}  // namespace backplane::host
