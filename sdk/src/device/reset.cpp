// SPDX-License-Identifier: MIT
#include "device/reset.h"

#include "diagnostics/module_fault.h"

namespace backplane {

void reset_or_end(Device& device) {
  try {
    device.reset();
  } catch (...) {
    end_for_exception(device.object_class().type->file_anchor,
                      fmt::format("reset of {} ({})", device.path(), device.type_name()));
  }
}

}  // namespace backplane
