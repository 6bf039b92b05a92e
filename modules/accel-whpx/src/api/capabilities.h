// SPDX-License-Identifier: MIT
// What a host can do. [WHP "WHvGetCapability"]
#pragma once

#include "api/types.h"

namespace backplane::whpx {

enum WHV_CAPABILITY_CODE : u32 {
  WHvCapabilityCodeHypervisorPresent = 0x0,
  WHvCapabilityCodeFeatures = 0x1,
  WHvCapabilityCodeExtendedVmExits = 0x2,
  WHvCapabilityCodeX64MsrExitBitmap = 0x4,
};

union WHV_CAPABILITY_FEATURES {
  struct {
    u64 PartialUnmap : 1;
    u64 LocalApicEmulation : 1;
    u64 Xsave : 1;
    u64 DirtyPageTracking : 1;
    u64 SpeculationControl : 1;
    u64 ApicRemoteRead : 1;
    u64 IdleSuspend : 1;
  };
  u64 AsUINT64;
};
static_assert(sizeof(WHV_CAPABILITY_FEATURES) == 8);

union WHV_EXTENDED_VM_EXITS {
  struct {
    u64 X64CpuidExit : 1;
    u64 X64MsrExit : 1;
    u64 ExceptionExit : 1;
    u64 X64RdtscExit : 1;
    u64 X64ApicSmiExitTrap : 1;
    u64 HypercallExit : 1;
    u64 X64ApicInitSipiExitTrap : 1;
  };
  u64 AsUINT64;
};
static_assert(sizeof(WHV_EXTENDED_VM_EXITS) == 8);

union WHV_X64_MSR_EXIT_BITMAP {
  u64 AsUINT64;
  struct {
    u64 UnhandledMsrs : 1;
    u64 TscMsrWrite : 1;
    u64 TscMsrRead : 1;
    u64 ApicBaseMsrWrite : 1;
  };
};
static_assert(sizeof(WHV_X64_MSR_EXIT_BITMAP) == 8);

union WHV_CAPABILITY {
  u32 HypervisorPresent;  // BOOL
  WHV_CAPABILITY_FEATURES Features;
  WHV_EXTENDED_VM_EXITS ExtendedVmExits;
  WHV_X64_MSR_EXIT_BITMAP X64MsrExitBitmap;
  u64 Padding[3];
};
static_assert(sizeof(WHV_CAPABILITY) == 24);

}  // namespace backplane::whpx
