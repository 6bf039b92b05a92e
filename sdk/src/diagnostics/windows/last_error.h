// SPDX-License-Identifier: MIT
#pragma once

namespace backplane {

// The errno that says the same as an error number of Windows; EIO where none does.
int errno_of(unsigned long windows_error);

// The same for what GetLastError() gives on this thread.
int last_errno();

}  // namespace backplane
