// SPDX-License-Identifier: MIT
// The processor's four debug registers as a debugger uses them, where an accelerator has the
// processor run guest code: the guest does not have them meanwhile. [SDM 3B "Debug Registers"]
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "backplane/debug.h"
#include "backplane/types.h"
#include "backplane/x86/version.h"

namespace backplane::x86 {

// What one debug register is to stop at.
struct DebugRegisterUse {
  u64 address = 0;
  u8 size = 1;  // 1, 2, 4 or 8, and the address is a multiple of it
  bool code = true;
  Watchpoint watchpoint;  // of data: what it is a part of
  bool operator==(const DebugRegisterUse&) const = default;
};

// The registers from DR0 on, at most four. Throws Error, naming the accelerator as users know it
// ("KVM"), if the points do not go into four.
std::vector<DebugRegisterUse> assign_debug_registers(const DebugPoints& points,
                                                     std::string_view accelerator);

// DR7 with register `number` enabled for that use, and with no other one.
u64 debug_control(const DebugRegisterUse& use, unsigned number);

// What DR6 says was met, of the registers that are used; nothing if it was none of them.
std::optional<DebugStop> debug_stop_of(const std::vector<DebugRegisterUse>& uses, u64 dr6);

}  // namespace backplane::x86
