// SPDX-License-Identifier: MIT
// Codes and names.
#include <windows.h>
#include <winhvplatform.h>

#include "api/functions.h"
#include "compare.h"

#define WHV_REGISTER(name, code) SAME_VALUE(name);
#include "api/register_names.inc"
#undef WHV_REGISTER

SAME_VALUE(WHvCapabilityCodeHypervisorPresent);
SAME_VALUE(WHvCapabilityCodeFeatures);
SAME_VALUE(WHvCapabilityCodeExtendedVmExits);
SAME_VALUE(WHvCapabilityCodeX64MsrExitBitmap);

SAME_VALUE(WHvPartitionPropertyCodeExtendedVmExits);
SAME_VALUE(WHvPartitionPropertyCodeExceptionExitBitmap);
SAME_VALUE(WHvPartitionPropertyCodeX64MsrExitBitmap);
SAME_VALUE(WHvPartitionPropertyCodeCpuidExitList);
SAME_VALUE(WHvPartitionPropertyCodeCpuidResultList);
SAME_VALUE(WHvPartitionPropertyCodeLocalApicEmulationMode);
SAME_VALUE(WHvPartitionPropertyCodeProcessorXsaveFeatures);
SAME_VALUE(WHvPartitionPropertyCodeProcessorClockFrequency);
SAME_VALUE(WHvPartitionPropertyCodeCpuidResultList2);
SAME_VALUE(WHvPartitionPropertyCodeProcessorCount);
SAME_VALUE(WHvX64LocalApicEmulationModeNone);
SAME_VALUE(WHvX64LocalApicEmulationModeXApic);
SAME_VALUE(WHvX64LocalApicEmulationModeX2Apic);

SAME_VALUE(WHvMapGpaRangeFlagNone);
SAME_VALUE(WHvMapGpaRangeFlagRead);
SAME_VALUE(WHvMapGpaRangeFlagWrite);
SAME_VALUE(WHvMapGpaRangeFlagExecute);
SAME_VALUE(WHvMapGpaRangeFlagTrackDirtyPages);
SAME_VALUE(WHvTranslateGvaFlagNone);
SAME_VALUE(WHvTranslateGvaFlagValidateRead);
SAME_VALUE(WHvTranslateGvaFlagValidateWrite);
SAME_VALUE(WHvTranslateGvaFlagValidateExecute);
SAME_VALUE(WHvTranslateGvaFlagPrivilegeExempt);
SAME_VALUE(WHvTranslateGvaFlagSetPageTableBits);
SAME_VALUE(WHvTranslateGvaResultSuccess);
SAME_VALUE(WHvTranslateGvaResultPageNotPresent);
SAME_VALUE(WHvTranslateGvaResultPrivilegeViolation);
SAME_VALUE(WHvTranslateGvaResultInvalidPageTableFlags);
SAME_VALUE(WHvTranslateGvaResultGpaUnmapped);
SAME_VALUE(WHvTranslateGvaResultGpaNoReadAccess);
SAME_VALUE(WHvTranslateGvaResultGpaNoWriteAccess);
SAME_VALUE(WHvTranslateGvaResultGpaIllegalOverlayAccess);
SAME_VALUE(WHvTranslateGvaResultIntercept);

SAME_VALUE(WHvRunVpExitReasonNone);
SAME_VALUE(WHvRunVpExitReasonMemoryAccess);
SAME_VALUE(WHvRunVpExitReasonX64IoPortAccess);
SAME_VALUE(WHvRunVpExitReasonUnrecoverableException);
SAME_VALUE(WHvRunVpExitReasonInvalidVpRegisterValue);
SAME_VALUE(WHvRunVpExitReasonUnsupportedFeature);
SAME_VALUE(WHvRunVpExitReasonX64InterruptWindow);
SAME_VALUE(WHvRunVpExitReasonX64Halt);
SAME_VALUE(WHvRunVpExitReasonX64ApicEoi);
SAME_VALUE(WHvRunVpExitReasonX64MsrAccess);
SAME_VALUE(WHvRunVpExitReasonX64Cpuid);
SAME_VALUE(WHvRunVpExitReasonException);
SAME_VALUE(WHvRunVpExitReasonX64Rdtsc);
SAME_VALUE(WHvRunVpExitReasonX64ApicSmiTrap);
SAME_VALUE(WHvRunVpExitReasonHypercall);
SAME_VALUE(WHvRunVpExitReasonX64ApicInitSipiTrap);
SAME_VALUE(WHvRunVpExitReasonCanceled);
SAME_VALUE(WHvMemoryAccessRead);
SAME_VALUE(WHvMemoryAccessWrite);
SAME_VALUE(WHvMemoryAccessExecute);

SAME_VALUE(WHvX64PendingInterrupt);
SAME_VALUE(WHvX64PendingNmi);
SAME_VALUE(WHvX64PendingException);
SAME_VALUE(WHvX64PendingEventException);
SAME_VALUE(WHvX64PendingEventExtInt);
SAME_VALUE(WHvX64InterruptTypeFixed);
SAME_VALUE(WHvX64InterruptTypeLowestPriority);
SAME_VALUE(WHvX64InterruptTypeNmi);
SAME_VALUE(WHvX64InterruptTypeInit);
SAME_VALUE(WHvX64InterruptTypeSipi);
SAME_VALUE(WHvX64InterruptTypeLocalInt1);
SAME_VALUE(WHvX64InterruptDestinationModePhysical);
SAME_VALUE(WHvX64InterruptDestinationModeLogical);
SAME_VALUE(WHvX64InterruptTriggerModeEdge);
SAME_VALUE(WHvX64InterruptTriggerModeLevel);
