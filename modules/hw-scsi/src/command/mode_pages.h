// SPDX-License-Identifier: MIT
// [SPC-3 "MODE SENSE(6) command", "Mode parameters"; SBC-3, MMC-6 "Mode pages"]
#pragma once

#include "command/command_set.h"

namespace backplane::scsi {

Outcome mode_sense(const Unit& unit, std::span<const u8, 16> cdb);
// Nothing can be changed: what says so as it is, is fine.
Outcome mode_select(const Unit& unit, std::span<const u8, 16> cdb, std::span<const u8> parameters);

}  // namespace backplane::scsi
