// SPDX-License-Identifier: MIT
// Interrupts for local APICs that are the platform's. [WHP "WHvRequestInterrupt"]
#pragma once

#include "api/types.h"

namespace backplane::whpx {

enum WHV_INTERRUPT_TYPE : u32 {
  WHvX64InterruptTypeFixed = 0,
  WHvX64InterruptTypeLowestPriority = 1,
  WHvX64InterruptTypeNmi = 4,
  WHvX64InterruptTypeInit = 5,
  WHvX64InterruptTypeSipi = 6,
  WHvX64InterruptTypeLocalInt1 = 9,
};

enum WHV_INTERRUPT_DESTINATION_MODE : u32 {
  WHvX64InterruptDestinationModePhysical,
  WHvX64InterruptDestinationModeLogical,
};

enum WHV_INTERRUPT_TRIGGER_MODE : u32 {
  WHvX64InterruptTriggerModeEdge,
  WHvX64InterruptTriggerModeLevel,
};

struct WHV_INTERRUPT_CONTROL {
  u64 Type : 8;
  u64 DestinationMode : 4;
  u64 TriggerMode : 4;
  u64 Reserved : 48;
  u32 Destination;
  u32 Vector;
};
static_assert(sizeof(WHV_INTERRUPT_CONTROL) == 16);

}  // namespace backplane::whpx
