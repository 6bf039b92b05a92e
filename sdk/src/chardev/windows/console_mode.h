// SPDX-License-Identifier: MIT
#pragma once

namespace backplane {

// Puts the console of standard input and output into raw mode for a scope: keys arrive one by one,
// as the bytes a terminal would send, nothing is echoed, and what is written may steer the cursor
// as on a terminal. The former mode comes back at the end of the scope and at exit().
// [Windows "Console Virtual Terminal Sequences"]
class RawConsole {
 public:
  // Does nothing to a stream that is no console. Without `keep_signals`, Ctrl-C is a byte like
  // others.
  explicit RawConsole(bool keep_signals);
  ~RawConsole();
  RawConsole(const RawConsole&) = delete;
  RawConsole& operator=(const RawConsole&) = delete;
};

}  // namespace backplane
