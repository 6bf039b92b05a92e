// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

namespace backplane {

class MainLoop;

// What asks the program to end: the signals SIGINT, SIGTERM and SIGHUP, or what a console of
// Windows says. While it exists, they no longer end the program, unless (signals) the loop has not
// seen one when the next arrives; after it, they do what they did before. One at a time.
class TerminationRequests {
 public:
  // fn gets the signal's number, as every callback of the loop.
  TerminationRequests(MainLoop& loop, std::function<void(int signal)> fn);
  ~TerminationRequests();
  TerminationRequests(const TerminationRequests&) = delete;
  TerminationRequests& operator=(const TerminationRequests&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane
