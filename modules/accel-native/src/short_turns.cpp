// SPDX-License-Identifier: MIT
#include "short_turns.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "backplane/types.h"

namespace backplane::native {

namespace {

constexpr u64 kTurn = 100'000;  // nanoseconds

// The kernel's struct sched_attr, as it was first.
struct Attributes {
  u32 size = sizeof(Attributes);
  u32 policy = 0;
  u64 flags = 0;
  i32 nice = 0;
  u32 priority = 0;
  u64 runtime = 0, deadline = 0, period = 0;
};
static_assert(sizeof(Attributes) == 48);

}  // namespace

void ask_for_short_turns(pid_t task) {
  constexpr u32 kOther = 0;
  Attributes attributes;
  if (syscall(SYS_sched_getattr, task, &attributes, sizeof attributes, 0) != 0) return;
  // Whoever chose another policy knows better.
  if (attributes.policy != kOther) return;
  attributes.size = sizeof attributes;
  attributes.runtime = kTurn;
  syscall(SYS_sched_setattr, task, &attributes, 0);
}

}  // namespace backplane::native
