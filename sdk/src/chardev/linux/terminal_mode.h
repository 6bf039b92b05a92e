// SPDX-License-Identifier: MIT
#pragma once

#include <termios.h>

namespace backplane {

// Puts a terminal into raw mode for a scope: keys arrive one by one and unchanged, nothing is
// echoed. The former mode comes back at the end of the scope, at exit(), and when a signal that
// nobody handles ends the program; raw mode comes back when a stopped program is continued.
// One at a time.
class RawTerminal {
 public:
  // If fd is no terminal, does nothing. Without `keep_signals`, Ctrl-C, Ctrl-Z and Ctrl-\ are
  // bytes like others.
  RawTerminal(int fd, bool keep_signals);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

  // The settings of a raw terminal. Output keeps turning a newline into two characters, so that
  // messages of the program look right.
  static termios raw_settings(const termios& cooked, bool keep_signals);

 private:
  bool active_ = false;
};

}  // namespace backplane
