// SPDX-License-Identifier: MIT
#include "loop/termination.h"

#include <windows.h>

#include <csignal>
#include <mutex>

#include "backplane/main_loop.h"

namespace backplane {

struct TerminationRequests::Impl {
  MainLoop& loop;
  std::shared_ptr<std::function<void(int)>> fn;

  static BOOL WINAPI console_says(DWORD event);

  static inline std::mutex mutex;  // guards `current`; inside it, only MainLoop::post() is called
  static inline Impl* current = nullptr;
};

// On a thread that Windows makes for it. The program ends when this returns from anything but
// Ctrl-C and Ctrl-Break, so it does not.
BOOL WINAPI TerminationRequests::Impl::console_says(DWORD event) {
  const bool from_keyboard = event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
  {
    const std::lock_guard lock(mutex);
    if (current == nullptr) return FALSE;
    const int number = from_keyboard ? SIGINT : SIGTERM;
    current->loop.post([requests = std::weak_ptr(current->fn), number] {
      if (const auto fn = requests.lock()) (*fn)(number);
    });
  }
  if (!from_keyboard) Sleep(INFINITE);
  return TRUE;
}

TerminationRequests::TerminationRequests(MainLoop& loop, std::function<void(int signal)> fn)
    : impl_(new Impl{loop, std::make_shared<std::function<void(int)>>(std::move(fn))}) {
  const std::lock_guard lock(Impl::mutex);
  Impl::current = impl_.get();
  SetConsoleCtrlHandler(&Impl::console_says, TRUE);
}

TerminationRequests::~TerminationRequests() {
  const std::lock_guard lock(Impl::mutex);
  SetConsoleCtrlHandler(&Impl::console_says, FALSE);
  Impl::current = nullptr;
}

}  // namespace backplane
