// SPDX-License-Identifier: MIT
// Guest-physical and guest-virtual memory. [WHP "WHvMapGpaRange", "WHvTranslateGva"]
#pragma once

#include "api/types.h"

namespace backplane::whpx {

enum WHV_MAP_GPA_RANGE_FLAGS : u32 {
  WHvMapGpaRangeFlagNone = 0x0,
  WHvMapGpaRangeFlagRead = 0x1,
  WHvMapGpaRangeFlagWrite = 0x2,
  WHvMapGpaRangeFlagExecute = 0x4,
  WHvMapGpaRangeFlagTrackDirtyPages = 0x8,
};

enum WHV_TRANSLATE_GVA_FLAGS : u32 {
  WHvTranslateGvaFlagNone = 0x0,
  WHvTranslateGvaFlagValidateRead = 0x1,
  WHvTranslateGvaFlagValidateWrite = 0x2,
  WHvTranslateGvaFlagValidateExecute = 0x4,
  WHvTranslateGvaFlagPrivilegeExempt = 0x8,
  WHvTranslateGvaFlagSetPageTableBits = 0x10,
};

enum WHV_TRANSLATE_GVA_RESULT_CODE : u32 {
  WHvTranslateGvaResultSuccess = 0,
  WHvTranslateGvaResultPageNotPresent = 1,
  WHvTranslateGvaResultPrivilegeViolation = 2,
  WHvTranslateGvaResultInvalidPageTableFlags = 3,
  WHvTranslateGvaResultGpaUnmapped = 4,
  WHvTranslateGvaResultGpaNoReadAccess = 5,
  WHvTranslateGvaResultGpaNoWriteAccess = 6,
  WHvTranslateGvaResultGpaIllegalOverlayAccess = 7,
  WHvTranslateGvaResultIntercept = 8,
};

struct WHV_TRANSLATE_GVA_RESULT {
  WHV_TRANSLATE_GVA_RESULT_CODE ResultCode;
  u32 Reserved;
};
static_assert(sizeof(WHV_TRANSLATE_GVA_RESULT) == 8);

}  // namespace backplane::whpx
