// SPDX-License-Identifier: MIT
#include "file/windows/unique_handle.h"

#include <windows.h>

namespace backplane {

void UniqueHandle::reset(void* handle) {
  if (handle_ != nullptr) CloseHandle(handle_);
  handle_ = is_none(handle) ? nullptr : handle;
}

}  // namespace backplane
