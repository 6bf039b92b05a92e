// SPDX-License-Identifier: MIT
#include "chardev/windows/console_mode.h"

#include <windows.h>

#include <cstdlib>
#include <optional>

namespace backplane {

namespace {

struct FormerMode {
  DWORD stream;
  std::optional<DWORD> mode;
};

FormerMode former[] = {{STD_INPUT_HANDLE, {}}, {STD_OUTPUT_HANDLE, {}}};

void change(FormerMode& stream, DWORD off, DWORD on) {
  const HANDLE handle = GetStdHandle(stream.stream);
  DWORD mode = 0;
  if (!GetConsoleMode(handle, &mode)) return;
  if (SetConsoleMode(handle, (mode & ~off) | on)) stream.mode = mode;
}

void restore() {
  for (FormerMode& stream : former) {
    if (stream.mode) SetConsoleMode(GetStdHandle(stream.stream), *stream.mode);
    stream.mode.reset();
  }
}

}  // namespace

RawConsole::RawConsole(bool keep_signals) {
  static const bool registered = std::atexit(restore) == 0;
  static_cast<void>(registered);
  const DWORD cooked = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT;
  change(former[0], keep_signals ? cooked : cooked | ENABLE_PROCESSED_INPUT,
         ENABLE_VIRTUAL_TERMINAL_INPUT);
  change(former[1], 0, ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

RawConsole::~RawConsole() { restore(); }

}  // namespace backplane
