// SPDX-License-Identifier: MIT
// -fw_cfg.
#pragma once

#include "backplane/firmware_config.h"
#include "backplane/options.h"

namespace backplane::host {

// Carries out one -fw_cfg; the first, unnamed value is "name". Throws Error.
void add_firmware_file(FirmwareConfiguration& firmware, KeyValueList values);

}  // namespace backplane::host
