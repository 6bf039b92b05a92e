// SPDX-License-Identifier: MIT
// Why a virtual processor stopped running guest code. [WHP "WHvRunVirtualProcessor", "WHvRunVp Exit
// Context"]
#pragma once

#include <cstddef>

#include "api/guest_memory.h"
#include "api/registers.h"

namespace backplane::whpx {

enum WHV_RUN_VP_EXIT_REASON : u32 {
  WHvRunVpExitReasonNone = 0x0,
  WHvRunVpExitReasonMemoryAccess = 0x1,
  WHvRunVpExitReasonX64IoPortAccess = 0x2,
  WHvRunVpExitReasonUnrecoverableException = 0x4,
  WHvRunVpExitReasonInvalidVpRegisterValue = 0x5,
  WHvRunVpExitReasonUnsupportedFeature = 0x6,
  WHvRunVpExitReasonX64InterruptWindow = 0x7,
  WHvRunVpExitReasonX64Halt = 0x8,
  WHvRunVpExitReasonX64ApicEoi = 0x9,
  WHvRunVpExitReasonX64MsrAccess = 0x1000,
  WHvRunVpExitReasonX64Cpuid = 0x1001,
  WHvRunVpExitReasonException = 0x1002,
  WHvRunVpExitReasonX64Rdtsc = 0x1003,
  WHvRunVpExitReasonX64ApicSmiTrap = 0x1004,
  WHvRunVpExitReasonHypercall = 0x1005,
  WHvRunVpExitReasonX64ApicInitSipiTrap = 0x1006,
  WHvRunVpExitReasonCanceled = 0x2001,
};

union WHV_X64_VP_EXECUTION_STATE {
  struct {
    u16 Cpl : 2;
    u16 Cr0Pe : 1;
    u16 Cr0Am : 1;
    u16 EferLma : 1;
    u16 DebugActive : 1;
    u16 InterruptionPending : 1;
    u16 Reserved0 : 5;
    u16 InterruptShadow : 1;
  };
  u16 AsUINT16;
};
static_assert(sizeof(WHV_X64_VP_EXECUTION_STATE) == 2);

struct WHV_VP_EXIT_CONTEXT {
  WHV_X64_VP_EXECUTION_STATE ExecutionState;
  u8 InstructionLength : 4;
  u8 Cr8 : 4;
  u8 Reserved;
  u32 Reserved2;
  WHV_X64_SEGMENT_REGISTER Cs;
  u64 Rip;
  u64 Rflags;
};
static_assert(sizeof(WHV_VP_EXIT_CONTEXT) == 40);

enum WHV_MEMORY_ACCESS_TYPE : u32 {
  WHvMemoryAccessRead = 0,
  WHvMemoryAccessWrite = 1,
  WHvMemoryAccessExecute = 2,
};

union WHV_MEMORY_ACCESS_INFO {
  struct {
    u32 AccessType : 2;
    u32 GpaUnmapped : 1;
    u32 GvaValid : 1;
  };
  u32 AsUINT32;
};
static_assert(sizeof(WHV_MEMORY_ACCESS_INFO) == 4);

struct WHV_MEMORY_ACCESS_CONTEXT {
  u8 InstructionByteCount;
  u8 Reserved[3];
  u8 InstructionBytes[16];
  WHV_MEMORY_ACCESS_INFO AccessInfo;
  WHV_GUEST_PHYSICAL_ADDRESS Gpa;
  WHV_GUEST_VIRTUAL_ADDRESS Gva;
};
static_assert(sizeof(WHV_MEMORY_ACCESS_CONTEXT) == 40);

union WHV_X64_IO_PORT_ACCESS_INFO {
  struct {
    u32 IsWrite : 1;
    u32 AccessSize : 3;
    u32 StringOp : 1;
    u32 RepPrefix : 1;
  };
  u32 AsUINT32;
};
static_assert(sizeof(WHV_X64_IO_PORT_ACCESS_INFO) == 4);

struct WHV_X64_IO_PORT_ACCESS_CONTEXT {
  u8 InstructionByteCount;
  u8 Reserved[3];
  u8 InstructionBytes[16];
  WHV_X64_IO_PORT_ACCESS_INFO AccessInfo;
  u16 PortNumber;
  u16 Reserved2[3];
  u64 Rax;
  u64 Rcx;
  u64 Rsi;
  u64 Rdi;
  WHV_X64_SEGMENT_REGISTER Ds;
  WHV_X64_SEGMENT_REGISTER Es;
};
static_assert(sizeof(WHV_X64_IO_PORT_ACCESS_CONTEXT) == 96);

union WHV_X64_MSR_ACCESS_INFO {
  struct {
    u32 IsWrite : 1;
  };
  u32 AsUINT32;
};
static_assert(sizeof(WHV_X64_MSR_ACCESS_INFO) == 4);

struct WHV_X64_MSR_ACCESS_CONTEXT {
  WHV_X64_MSR_ACCESS_INFO AccessInfo;
  u32 MsrNumber;
  u64 Rax;
  u64 Rdx;
};
static_assert(sizeof(WHV_X64_MSR_ACCESS_CONTEXT) == 24);

struct WHV_X64_CPUID_ACCESS_CONTEXT {
  u64 Rax;
  u64 Rcx;
  u64 Rdx;
  u64 Rbx;
  u64 DefaultResultRax;
  u64 DefaultResultRcx;
  u64 DefaultResultRdx;
  u64 DefaultResultRbx;
};
static_assert(sizeof(WHV_X64_CPUID_ACCESS_CONTEXT) == 64);

union WHV_VP_EXCEPTION_INFO {
  struct {
    u32 ErrorCodeValid : 1;
    u32 SoftwareException : 1;
  };
  u32 AsUINT32;
};
static_assert(sizeof(WHV_VP_EXCEPTION_INFO) == 4);

struct WHV_VP_EXCEPTION_CONTEXT {
  u8 InstructionByteCount;
  u8 Reserved[3];
  u8 InstructionBytes[16];
  WHV_VP_EXCEPTION_INFO ExceptionInfo;
  u8 ExceptionType;  // its vector
  u8 Reserved2[3];
  u32 ErrorCode;
  u64 ExceptionParameter;
};
static_assert(sizeof(WHV_VP_EXCEPTION_CONTEXT) == 40);

struct WHV_X64_INTERRUPTION_DELIVERABLE_CONTEXT {
  WHV_X64_PENDING_INTERRUPTION_TYPE DeliverableType;
};
static_assert(sizeof(WHV_X64_INTERRUPTION_DELIVERABLE_CONTEXT) == 4);

struct WHV_X64_UNSUPPORTED_FEATURE_CONTEXT {
  u32 FeatureCode;
  u32 Reserved;
  u64 FeatureParameter;
};
static_assert(sizeof(WHV_X64_UNSUPPORTED_FEATURE_CONTEXT) == 16);

struct WHV_RUN_VP_CANCELED_CONTEXT {
  u32 CancelReason;
};
static_assert(sizeof(WHV_RUN_VP_CANCELED_CONTEXT) == 4);

struct WHV_X64_APIC_EOI_CONTEXT {
  u32 InterruptVector;
};
static_assert(sizeof(WHV_X64_APIC_EOI_CONTEXT) == 4);

struct WHV_X64_APIC_INIT_SIPI_CONTEXT {
  u64 ApicIcr;
};
static_assert(sizeof(WHV_X64_APIC_INIT_SIPI_CONTEXT) == 8);

struct WHV_RUN_VP_EXIT_CONTEXT {
  WHV_RUN_VP_EXIT_REASON ExitReason;
  u32 Reserved;
  WHV_VP_EXIT_CONTEXT VpContext;
  union {
    WHV_MEMORY_ACCESS_CONTEXT MemoryAccess;
    WHV_X64_IO_PORT_ACCESS_CONTEXT IoPortAccess;
    WHV_X64_MSR_ACCESS_CONTEXT MsrAccess;
    WHV_X64_CPUID_ACCESS_CONTEXT CpuidAccess;
    WHV_VP_EXCEPTION_CONTEXT VpException;
    WHV_X64_INTERRUPTION_DELIVERABLE_CONTEXT InterruptWindow;
    WHV_X64_UNSUPPORTED_FEATURE_CONTEXT UnsupportedFeature;
    WHV_RUN_VP_CANCELED_CONTEXT CancelReason;
    WHV_X64_APIC_EOI_CONTEXT ApicEoi;
    WHV_X64_APIC_INIT_SIPI_CONTEXT ApicInitSipi;
    u64 Padding[22];
  };
};
static_assert(sizeof(WHV_RUN_VP_EXIT_CONTEXT) == 224);
static_assert(offsetof(WHV_RUN_VP_EXIT_CONTEXT, VpContext) == 8);
static_assert(offsetof(WHV_RUN_VP_EXIT_CONTEXT, MemoryAccess) == 48);

}  // namespace backplane::whpx
