// SPDX-License-Identifier: MIT
// Properties of a partition. [WHP "WHvSetPartitionProperty"]
#pragma once

#include "api/capabilities.h"

namespace backplane::whpx {

enum WHV_PARTITION_PROPERTY_CODE : u32 {
  WHvPartitionPropertyCodeExtendedVmExits = 0x1,
  WHvPartitionPropertyCodeExceptionExitBitmap = 0x2,
  WHvPartitionPropertyCodeX64MsrExitBitmap = 0x5,
  WHvPartitionPropertyCodeCpuidExitList = 0x1003,
  WHvPartitionPropertyCodeCpuidResultList = 0x1004,
  WHvPartitionPropertyCodeLocalApicEmulationMode = 0x1005,
  WHvPartitionPropertyCodeProcessorXsaveFeatures = 0x1006,
  WHvPartitionPropertyCodeProcessorClockFrequency = 0x1007,
  WHvPartitionPropertyCodeCpuidResultList2 = 0x100d,
  WHvPartitionPropertyCodeProcessorCount = 0x1fff,
};

union WHV_PROCESSOR_XSAVE_FEATURES {
  struct {
    u64 XsaveSupport : 1;
    u64 XsaveoptSupport : 1;
    u64 AvxSupport : 1;
    u64 Avx2Support : 1;
  };
  u64 AsUINT64;
};
static_assert(sizeof(WHV_PROCESSOR_XSAVE_FEATURES) == 8);

struct WHV_X64_CPUID_RESULT {
  u32 Function;
  u32 Reserved[3];
  u32 Eax;
  u32 Ebx;
  u32 Ecx;
  u32 Edx;
};
static_assert(sizeof(WHV_X64_CPUID_RESULT) == 32);

enum WHV_X64_LOCAL_APIC_EMULATION_MODE : u32 {
  WHvX64LocalApicEmulationModeNone,
  WHvX64LocalApicEmulationModeXApic,
  WHvX64LocalApicEmulationModeX2Apic,
};

union WHV_PARTITION_PROPERTY {
  WHV_EXTENDED_VM_EXITS ExtendedVmExits;
  WHV_PROCESSOR_XSAVE_FEATURES ProcessorXsaveFeatures;
  u32 ProcessorCount;
  u32 CpuidExitList[1];
  WHV_X64_CPUID_RESULT CpuidResultList[1];
  u64 ExceptionExitBitmap;
  WHV_X64_LOCAL_APIC_EMULATION_MODE LocalApicEmulationMode;
  WHV_X64_MSR_EXIT_BITMAP X64MsrExitBitmap;
  u64 ProcessorClockFrequency;
  u64 Padding[6];
};
static_assert(sizeof(WHV_PARTITION_PROPERTY) == 48);

}  // namespace backplane::whpx
