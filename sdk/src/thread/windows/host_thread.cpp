// SPDX-License-Identifier: MIT
#include "thread/host_thread.h"

#include <windows.h>

#include <filesystem>

// [Windows "SetThreadDescription"]: not in the headers of mingw-w64 10, but in its libraries.
extern "C" WINBASEAPI HRESULT WINAPI SetThreadDescription(HANDLE thread, PCWSTR description);

namespace backplane {

// Windows has no signals from other processes.
std::thread start_thread(std::function<void()> body) { return std::thread(std::move(body)); }

void name_this_thread(const std::string& name) {
  SetThreadDescription(GetCurrentThread(), std::filesystem::path(name).c_str());
}

}  // namespace backplane
