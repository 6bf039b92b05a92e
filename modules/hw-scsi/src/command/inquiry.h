// SPDX-License-Identifier: MIT
// Who a unit is, and what it can take. [SPC-3 "INQUIRY command", SBC-3 "Block Limits VPD page"]
#pragma once

#include "command/command_set.h"

namespace backplane::scsi {

// Said in the page of limits, and held to.
constexpr u64 kMostUnmapDescriptors = 256;
constexpr u64 kMostWriteSameBlocks = 0x40'0000;

Outcome inquiry(const Unit& unit, std::span<const u8, 16> cdb);

}  // namespace backplane::scsi
