// SPDX-License-Identifier: MIT
// What the standard library does not say about threads.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "backplane/types.h"

namespace backplane {

// Starts a thread, named for debuggers and lists of threads with as much of the name as the system
// takes: without one it would go by that of the thread that starts it. It never sees a signal which
// another process sends: those are for the program's other threads. Throws std::system_error.
std::thread start_thread(const std::string& name, std::function<void()> body);

// The system's id of the calling thread, as its tools show it.
u64 current_thread_id();

}  // namespace backplane
