// SPDX-License-Identifier: MIT
// Results of functions. [WHP "Windows Hypervisor Platform API Definitions"]
#pragma once

#include "api/types.h"

namespace backplane::whpx {

constexpr bool succeeded(HRESULT result) { return result >= 0; }
constexpr HRESULT hresult(u32 code) { return static_cast<HRESULT>(code); }

constexpr HRESULT kOk = 0;
constexpr HRESULT kNotImplemented = hresult(0x80004001);     // E_NOTIMPL
constexpr HRESULT kFail = hresult(0x80004005);               // E_FAIL
constexpr HRESULT kInvalidArgument = hresult(0x80070057);    // E_INVALIDARG
constexpr HRESULT kUnknownCapability = hresult(0x80370300);  // WHV_E_UNKNOWN_CAPABILITY
constexpr HRESULT kInsufficientBuffer = hresult(0x80370301);
constexpr HRESULT kUnknownProperty = hresult(0x80370302);
constexpr HRESULT kUnsupportedHypervisorConfig = hresult(0x80370303);
constexpr HRESULT kInvalidPartitionConfig = hresult(0x80370304);
constexpr HRESULT kGpaRangeNotFound = hresult(0x80370305);
constexpr HRESULT kVpAlreadyExists = hresult(0x80370306);
constexpr HRESULT kVpDoesNotExist = hresult(0x80370307);
constexpr HRESULT kInvalidVpState = hresult(0x80370308);
constexpr HRESULT kInvalidVpRegisterName = hresult(0x80370309);
constexpr HRESULT kUnsupportedProcessorConfig = hresult(0x80370310);

}  // namespace backplane::whpx
