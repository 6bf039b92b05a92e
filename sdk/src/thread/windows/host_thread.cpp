// SPDX-License-Identifier: MIT
#include "thread/host_thread.h"

#include <windows.h>

#include <filesystem>
#include <utility>

// [Windows "SetThreadDescription"]: not in the headers of mingw-w64 10, but in its libraries.
extern "C" WINBASEAPI HRESULT WINAPI SetThreadDescription(HANDLE thread, PCWSTR description);

namespace backplane {

// Windows has no signals from other processes.
std::thread start_thread(const std::string& name, std::function<void()> body) {
  return std::thread([name = std::filesystem::path(name), body = std::move(body)] {
    SetThreadDescription(GetCurrentThread(), name.c_str());
    body();
  });
}

u64 current_thread_id() { return GetCurrentThreadId(); }

}  // namespace backplane
