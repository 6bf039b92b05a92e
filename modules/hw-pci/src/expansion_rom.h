// SPDX-License-Identifier: MIT
// What is inside an expansion ROM. [PCI Firmware 3.0 §5.1 "PCI Expansion ROM Contents"]
#pragma once

#include <span>

#include "backplane/types.h"

namespace backplane {

// Makes the first image of a ROM that is for several devices say that it is for this one, as
// firmware wants it. Whatever has no such image stays as it is.
void claim_expansion_rom(std::span<u8> rom, u16 vendor, u16 device);

}  // namespace backplane
