// SPDX-License-Identifier: MIT
// What the functions of the Windows Hypervisor Platform deal in. Here and in the other files of
// this folder names and order are those of [WHP], declared by ourselves so that the module builds
// anywhere; tests/unit/modules/accel-whpx/conformance compares them with a Windows SDK's.
#pragma once

#include "backplane/types.h"

// The calling convention of these functions. On Windows it is every function's, and said once more
// it makes g++ 12 of mingw-w64 fail.
#ifdef _WIN32
#define WHPX_ABI
#else
#define WHPX_ABI [[gnu::ms_abi]]
#endif

namespace backplane::whpx {

using HRESULT = i32;

using WHV_PARTITION_HANDLE = void*;
using WHV_EMULATOR_HANDLE = void*;
using WHV_GUEST_PHYSICAL_ADDRESS = u64;
using WHV_GUEST_VIRTUAL_ADDRESS = u64;

union alignas(16) WHV_UINT128 {
  struct {
    u64 Low64;
    u64 High64;
  };
  u32 Dword[4];
};
static_assert(sizeof(WHV_UINT128) == 16);

}  // namespace backplane::whpx
