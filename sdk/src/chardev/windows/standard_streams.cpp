// SPDX-License-Identifier: MIT
#include "chardev/standard_streams.h"

#include <windows.h>

#include "chardev/windows/console_mode.h"

namespace backplane {

namespace {

StreamHandle duplicate(DWORD which) {
  HANDLE copy = nullptr;
  const HANDLE self = GetCurrentProcess();
  if (!DuplicateHandle(self, GetStdHandle(which), self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS))
    return {};
  return UniqueHandle(copy);
}

}  // namespace

StreamHandle standard_input() { return duplicate(STD_INPUT_HANDLE); }

StreamHandle standard_output() { return duplicate(STD_OUTPUT_HANDLE); }

std::shared_ptr<void> raw_terminal(bool keep_signals) {
  return std::make_shared<RawConsole>(keep_signals);
}

}  // namespace backplane
