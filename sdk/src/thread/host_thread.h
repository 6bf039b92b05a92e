// SPDX-License-Identifier: MIT
// What the standard library does not say about threads.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace backplane {

// Starts a thread that never sees a signal which another process sends: those are for the program's
// other threads. Throws std::system_error.
std::thread start_thread(std::function<void()> body);

// Names the calling thread for debuggers and lists of threads, with as much of the name as the
// system takes.
void name_this_thread(const std::string& name);

}  // namespace backplane
