// SPDX-License-Identifier: MIT
// The emulation library: instructions that access ports or memory that is not mapped.
// [WHP "Windows Hypervisor Instruction Emulator API Definitions"]
#pragma once

#include <cstddef>

#include "api/exits.h"

namespace backplane::whpx {

union WHV_EMULATOR_STATUS {
  struct {
    u32 EmulationSuccessful : 1;
    u32 InternalEmulationFailure : 1;
    u32 IoPortCallbackFailed : 1;
    u32 MemoryCallbackFailed : 1;
    u32 TranslateGvaPageCallbackFailed : 1;
    u32 TranslateGvaPageCallbackGpaIsNotAligned : 1;
    u32 GetVirtualProcessorRegistersCallbackFailed : 1;
    u32 SetVirtualProcessorRegistersCallbackFailed : 1;
    u32 InterruptCausedIntercept : 1;
    u32 GuestCannotBeFaulted : 1;
  };
  u32 AsUINT32;
};
static_assert(sizeof(WHV_EMULATOR_STATUS) == 4);

struct WHV_EMULATOR_MEMORY_ACCESS_INFO {
  WHV_GUEST_PHYSICAL_ADDRESS GpaAddress;
  u8 Direction;  // 0: read, 1: write
  u8 AccessSize;
  u8 Data[8];
};
static_assert(sizeof(WHV_EMULATOR_MEMORY_ACCESS_INFO) == 24);
static_assert(offsetof(WHV_EMULATOR_MEMORY_ACCESS_INFO, Data) == 10);

struct WHV_EMULATOR_IO_ACCESS_INFO {
  u8 Direction;  // 0: in, 1: out
  u16 Port;
  u16 AccessSize;
  u32 Data;
};
static_assert(sizeof(WHV_EMULATOR_IO_ACCESS_INFO) == 12);
static_assert(offsetof(WHV_EMULATOR_IO_ACCESS_INFO, Data) == 8);

struct WHV_EMULATOR_CALLBACKS {
  u32 Size;
  u32 Reserved;
  HRESULT (*WHvEmulatorIoPortCallback)(void* context, WHV_EMULATOR_IO_ACCESS_INFO*) WHPX_ABI;
  HRESULT(*WHvEmulatorMemoryCallback)
  (void* context, WHV_EMULATOR_MEMORY_ACCESS_INFO*)WHPX_ABI;
  HRESULT(*WHvEmulatorGetVirtualProcessorRegisters)
  (void* context, const WHV_REGISTER_NAME*, u32, WHV_REGISTER_VALUE*)WHPX_ABI;
  HRESULT(*WHvEmulatorSetVirtualProcessorRegisters)
  (void* context, const WHV_REGISTER_NAME*, u32, const WHV_REGISTER_VALUE*)WHPX_ABI;
  HRESULT(*WHvEmulatorTranslateGvaPage)
  (void* context, WHV_GUEST_VIRTUAL_ADDRESS, WHV_TRANSLATE_GVA_FLAGS,
   WHV_TRANSLATE_GVA_RESULT_CODE*, WHV_GUEST_PHYSICAL_ADDRESS*)WHPX_ABI;
};
static_assert(sizeof(WHV_EMULATOR_CALLBACKS) == 48);

}  // namespace backplane::whpx
