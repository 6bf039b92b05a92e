// SPDX-License-Identifier: MIT
// The program and the shared objects of this process, as the system's loader knows them.
#pragma once

#include <functional>

namespace backplane::detail {

// Calls fn with the handle of each, valid during the call.
void for_each_loaded_file(const std::function<void(void* handle)>& fn);

// The address of what the file behind a handle (Linux: or one that it depends on) exports under
// that name; null if there is none.
void* exported(void* handle, const char* name);

}  // namespace backplane::detail
