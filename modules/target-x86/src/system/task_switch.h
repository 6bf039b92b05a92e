// SPDX-License-Identifier: MIT
// Hardware task switching of 16- and 32-bit protected mode.
#pragma once

#include "backplane/x86/system.h"

namespace backplane::x86 {

enum class TaskSwitch : u8 { Jump, Call, Interrupt, Return };

// Switches to the task of `tss_selector` (Jump, Call, Interrupt: an available TSS; Return: a busy
// one). `next_rip` is saved in the old task, as are its flags with `more_flags`; `external` is ORed
// into error codes. Faults that the old task takes change nothing; those after the switch are taken
// in the new task. [SDM 3A "Task Switching"]
void switch_task(Context c, u16 tss_selector, TaskSwitch kind, u64 next_rip, u32 external = 0,
                 u64 more_flags = 0);

// The TSS selector in a task gate, checked. `error` is the gate's.
u16 task_gate_target(Context c, u64 gate, u32 error);

}  // namespace backplane::x86
