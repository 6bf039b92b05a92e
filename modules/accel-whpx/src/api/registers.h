// SPDX-License-Identifier: MIT
// Registers of a virtual processor. [WHP "Virtual Processor Register Names and Values"]
#pragma once

#include "api/types.h"

namespace backplane::whpx {

enum WHV_REGISTER_NAME : u32 {
#define WHV_REGISTER(name, code) name = code,
#include "api/register_names.inc"
#undef WHV_REGISTER
};

union WHV_X64_FP_CONTROL_STATUS_REGISTER {
  struct {
    u16 FpControl;
    u16 FpStatus;
    u8 FpTag;  // one bit a register, as FXSAVE stores it
    u8 Reserved;
    u16 LastFpOp;
    u64 LastFpRip;
  };
  WHV_UINT128 AsUINT128;
};
static_assert(sizeof(WHV_X64_FP_CONTROL_STATUS_REGISTER) == 16);

union WHV_X64_XMM_CONTROL_STATUS_REGISTER {
  struct {
    u64 LastFpRdp;
    u32 XmmStatusControl;
    u32 XmmStatusControlMask;
  };
  WHV_UINT128 AsUINT128;
};
static_assert(sizeof(WHV_X64_XMM_CONTROL_STATUS_REGISTER) == 16);

struct WHV_X64_SEGMENT_REGISTER {
  u64 Base;
  u32 Limit;
  u16 Selector;
  u16 Attributes;  // bits 40 to 55 of a descriptor
};
static_assert(sizeof(WHV_X64_SEGMENT_REGISTER) == 16);

struct WHV_X64_TABLE_REGISTER {
  u16 Pad[3];
  u16 Limit;
  u64 Base;
};
static_assert(sizeof(WHV_X64_TABLE_REGISTER) == 16);

union WHV_X64_INTERRUPT_STATE_REGISTER {
  struct {
    u64 InterruptShadow : 1;
    u64 NmiMasked : 1;
  };
  u64 AsUINT64;
};
static_assert(sizeof(WHV_X64_INTERRUPT_STATE_REGISTER) == 8);

enum WHV_X64_PENDING_INTERRUPTION_TYPE : u32 {
  WHvX64PendingInterrupt = 0,
  WHvX64PendingNmi = 2,
  WHvX64PendingException = 3,
};

union WHV_X64_PENDING_INTERRUPTION_REGISTER {
  struct {
    u32 InterruptionPending : 1;
    u32 InterruptionType : 3;
    u32 DeliverErrorCode : 1;
    u32 InstructionLength : 4;
    u32 NestedEvent : 1;
    u32 Reserved : 6;
    u32 InterruptionVector : 16;
    u32 ErrorCode;
  };
  u64 AsUINT64;
};
static_assert(sizeof(WHV_X64_PENDING_INTERRUPTION_REGISTER) == 8);

union WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER {
  struct {
    u64 NmiNotification : 1;
    u64 InterruptNotification : 1;
    u64 InterruptPriority : 4;
  };
  u64 AsUINT64;
};
static_assert(sizeof(WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER) == 8);

enum WHV_X64_PENDING_EVENT_TYPE : u32 {
  WHvX64PendingEventException = 0,
  WHvX64PendingEventExtInt = 5,
};

union WHV_X64_PENDING_EXT_INT_EVENT {
  struct {
    u64 EventPending : 1;
    u64 EventType : 3;
    u64 Reserved0 : 4;
    u64 Vector : 8;
    u64 Reserved1 : 48;
    u64 Reserved2;
  };
  WHV_UINT128 AsUINT128;
};
static_assert(sizeof(WHV_X64_PENDING_EXT_INT_EVENT) == 16);

union WHV_INTERNAL_ACTIVITY_REGISTER {
  struct {
    u64 StartupSuspend : 1;
    u64 HaltSuspend : 1;
    u64 IdleSuspend : 1;
  };
  u64 AsUINT64;
};
static_assert(sizeof(WHV_INTERNAL_ACTIVITY_REGISTER) == 8);

union WHV_REGISTER_VALUE {
  WHV_UINT128 Reg128;
  u64 Reg64;
  u32 Reg32;
  WHV_X64_FP_CONTROL_STATUS_REGISTER FpControlStatus;
  WHV_X64_XMM_CONTROL_STATUS_REGISTER XmmControlStatus;
  WHV_X64_SEGMENT_REGISTER Segment;
  WHV_X64_TABLE_REGISTER Table;
  WHV_X64_INTERRUPT_STATE_REGISTER InterruptState;
  WHV_X64_PENDING_INTERRUPTION_REGISTER PendingInterruption;
  WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER DeliverabilityNotifications;
  WHV_X64_PENDING_EXT_INT_EVENT ExtIntEvent;
  WHV_INTERNAL_ACTIVITY_REGISTER InternalActivity;
};
static_assert(sizeof(WHV_REGISTER_VALUE) == 16);

}  // namespace backplane::whpx
