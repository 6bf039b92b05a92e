// SPDX-License-Identifier: MIT
// A board without anything that runs its CPUs, on a clock that the test moves.
//
//   TestBoard board("my-machine", 16_MiB);
//   board.power_on();
//   board.machine().memory().store<u32>(0, 7);
#pragma once

#include <memory>
#include <string_view>

#include "backplane/machine.h"
#include "backplane/machine_lock.h"

namespace backplane::testing {

class TestBoard {
 public:
  // The type is looked for as -machine does, and Error is thrown if there is none. One machine at a
  // time.
  TestBoard(std::string_view type, u64 ram_size, unsigned cpus = 1);
  ~TestBoard();
  TestBoard(const TestBoard&) = delete;
  TestBoard& operator=(const TestBoard&) = delete;

  Machine& machine() { return *machine_; }

  // The board builds itself, and is reset. Throws Error, as init() and finish() do.
  void power_on();

 private:
  MachineLock::Guard lock_;
  std::unique_ptr<Machine> machine_;
  i64 time_ = 0;
};

}  // namespace backplane::testing
