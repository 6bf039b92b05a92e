// SPDX-License-Identifier: MIT
// Bit-fields. To be compiled with optimisation, which removes every comparison that holds.
#include <windows.h>
#include <winhvemulation.h>
#include <winhvplatform.h>

#include "api/functions.h"
#include "compare.h"

void compare_setup_bits() {
  SAME_BITS(WHV_CAPABILITY_FEATURES, PartialUnmap, AsUINT64);
  SAME_BITS(WHV_CAPABILITY_FEATURES, LocalApicEmulation, AsUINT64);
  SAME_BITS(WHV_CAPABILITY_FEATURES, Xsave, AsUINT64);
  SAME_BITS(WHV_CAPABILITY_FEATURES, DirtyPageTracking, AsUINT64);
  SAME_BITS(WHV_CAPABILITY_FEATURES, SpeculationControl, AsUINT64);
  SAME_BITS(WHV_CAPABILITY_FEATURES, ApicRemoteRead, AsUINT64);
  SAME_BITS(WHV_CAPABILITY_FEATURES, IdleSuspend, AsUINT64);
  SAME_BITS(WHV_EXTENDED_VM_EXITS, X64CpuidExit, AsUINT64);
  SAME_BITS(WHV_EXTENDED_VM_EXITS, X64MsrExit, AsUINT64);
  SAME_BITS(WHV_EXTENDED_VM_EXITS, ExceptionExit, AsUINT64);
  SAME_BITS(WHV_EXTENDED_VM_EXITS, X64RdtscExit, AsUINT64);
  SAME_BITS(WHV_EXTENDED_VM_EXITS, X64ApicSmiExitTrap, AsUINT64);
  SAME_BITS(WHV_EXTENDED_VM_EXITS, HypercallExit, AsUINT64);
  SAME_BITS(WHV_EXTENDED_VM_EXITS, X64ApicInitSipiExitTrap, AsUINT64);
  SAME_BITS(WHV_X64_MSR_EXIT_BITMAP, UnhandledMsrs, AsUINT64);
  SAME_BITS(WHV_X64_MSR_EXIT_BITMAP, TscMsrWrite, AsUINT64);
  SAME_BITS(WHV_X64_MSR_EXIT_BITMAP, TscMsrRead, AsUINT64);
  SAME_BITS(WHV_X64_MSR_EXIT_BITMAP, ApicBaseMsrWrite, AsUINT64);
  SAME_BITS(WHV_PROCESSOR_XSAVE_FEATURES, XsaveSupport, AsUINT64);
  SAME_BITS(WHV_PROCESSOR_XSAVE_FEATURES, XsaveoptSupport, AsUINT64);
  SAME_BITS(WHV_PROCESSOR_XSAVE_FEATURES, AvxSupport, AsUINT64);
  SAME_BITS(WHV_PROCESSOR_XSAVE_FEATURES, Avx2Support, AsUINT64);
}

void compare_register_bits() {
  SAME_BITS(WHV_X64_INTERRUPT_STATE_REGISTER, InterruptShadow, AsUINT64);
  SAME_BITS(WHV_X64_INTERRUPT_STATE_REGISTER, NmiMasked, AsUINT64);
  SAME_BITS(WHV_X64_PENDING_INTERRUPTION_REGISTER, InterruptionPending, AsUINT64);
  SAME_BITS(WHV_X64_PENDING_INTERRUPTION_REGISTER, InterruptionType, AsUINT64);
  SAME_BITS(WHV_X64_PENDING_INTERRUPTION_REGISTER, DeliverErrorCode, AsUINT64);
  SAME_BITS(WHV_X64_PENDING_INTERRUPTION_REGISTER, InstructionLength, AsUINT64);
  SAME_BITS(WHV_X64_PENDING_INTERRUPTION_REGISTER, NestedEvent, AsUINT64);
  SAME_BITS(WHV_X64_PENDING_INTERRUPTION_REGISTER, InterruptionVector, AsUINT64);
  SAME_BITS(WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER, NmiNotification, AsUINT64);
  SAME_BITS(WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER, InterruptNotification, AsUINT64);
  SAME_BITS(WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER, InterruptPriority, AsUINT64);
  SAME_BITS(WHV_X64_PENDING_EXT_INT_EVENT, EventPending, AsUINT128.Low64);
  SAME_BITS(WHV_X64_PENDING_EXT_INT_EVENT, EventType, AsUINT128.Low64);
  SAME_BITS(WHV_X64_PENDING_EXT_INT_EVENT, Vector, AsUINT128.Low64);
  SAME_BITS(WHV_INTERNAL_ACTIVITY_REGISTER, StartupSuspend, AsUINT64);
  SAME_BITS(WHV_INTERNAL_ACTIVITY_REGISTER, HaltSuspend, AsUINT64);
  SAME_BITS(WHV_INTERNAL_ACTIVITY_REGISTER, IdleSuspend, AsUINT64);
}

void compare_exit_bits() {
  SAME_BITS(WHV_X64_VP_EXECUTION_STATE, Cpl, AsUINT16);
  SAME_BITS(WHV_X64_VP_EXECUTION_STATE, Cr0Pe, AsUINT16);
  SAME_BITS(WHV_X64_VP_EXECUTION_STATE, Cr0Am, AsUINT16);
  SAME_BITS(WHV_X64_VP_EXECUTION_STATE, EferLma, AsUINT16);
  SAME_BITS(WHV_X64_VP_EXECUTION_STATE, DebugActive, AsUINT16);
  SAME_BITS(WHV_X64_VP_EXECUTION_STATE, InterruptionPending, AsUINT16);
  SAME_BITS(WHV_X64_VP_EXECUTION_STATE, InterruptShadow, AsUINT16);
  SAME_BITS(WHV_MEMORY_ACCESS_INFO, AccessType, AsUINT32);
  SAME_BITS(WHV_MEMORY_ACCESS_INFO, GpaUnmapped, AsUINT32);
  SAME_BITS(WHV_MEMORY_ACCESS_INFO, GvaValid, AsUINT32);
  SAME_BITS(WHV_X64_IO_PORT_ACCESS_INFO, IsWrite, AsUINT32);
  SAME_BITS(WHV_X64_IO_PORT_ACCESS_INFO, AccessSize, AsUINT32);
  SAME_BITS(WHV_X64_IO_PORT_ACCESS_INFO, StringOp, AsUINT32);
  SAME_BITS(WHV_X64_IO_PORT_ACCESS_INFO, RepPrefix, AsUINT32);
  SAME_BITS(WHV_X64_MSR_ACCESS_INFO, IsWrite, AsUINT32);
  SAME_BITS(WHV_VP_EXCEPTION_INFO, ErrorCodeValid, AsUINT32);
  SAME_BITS(WHV_VP_EXCEPTION_INFO, SoftwareException, AsUINT32);
}

void compare_emulator_bits() {
  SAME_BITS(WHV_EMULATOR_STATUS, EmulationSuccessful, AsUINT32);
  SAME_BITS(WHV_EMULATOR_STATUS, InternalEmulationFailure, AsUINT32);
  SAME_BITS(WHV_EMULATOR_STATUS, IoPortCallbackFailed, AsUINT32);
  SAME_BITS(WHV_EMULATOR_STATUS, MemoryCallbackFailed, AsUINT32);
  SAME_BITS(WHV_EMULATOR_STATUS, TranslateGvaPageCallbackFailed, AsUINT32);
  SAME_BITS(WHV_EMULATOR_STATUS, TranslateGvaPageCallbackGpaIsNotAligned, AsUINT32);
  SAME_BITS(WHV_EMULATOR_STATUS, GetVirtualProcessorRegistersCallbackFailed, AsUINT32);
  SAME_BITS(WHV_EMULATOR_STATUS, SetVirtualProcessorRegistersCallbackFailed, AsUINT32);
  SAME_BITS(WHV_EMULATOR_STATUS, InterruptCausedIntercept, AsUINT32);
  SAME_BITS(WHV_EMULATOR_STATUS, GuestCannotBeFaulted, AsUINT32);
}

// These share their first 16 bytes with nothing that overlays them: compared as memory.
template <class Context>
unsigned char length_and_priority() {
  Context context{};
  context.InstructionLength = 0x5;
  context.Cr8 = 0xa;
  unsigned char bytes[sizeof context];
  __builtin_memcpy(bytes, &context, sizeof bytes);
  return bytes[2];
}
template <class Control>
unsigned long long kind_of() {
  Control control{};
  control.Type = 0x5a;
  control.DestinationMode = 0x3;
  control.TriggerMode = 0xc;
  unsigned long long whole;
  __builtin_memcpy(&whole, &control, sizeof whole);
  return whole;
}

void compare_other_bits() {
  if (length_and_priority<backplane::whpx::WHV_VP_EXIT_CONTEXT>() !=
      length_and_priority<::WHV_VP_EXIT_CONTEXT>())
    report_bit_field();
  if (kind_of<backplane::whpx::WHV_INTERRUPT_CONTROL>() != kind_of<::WHV_INTERRUPT_CONTROL>())
    report_bit_field();
}
