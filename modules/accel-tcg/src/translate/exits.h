// SPDX-License-Identifier: MIT
// The ways out of a block: to other blocks, and to the interpreter. Targets are offsets from the
// beginning of the block's page.
#pragma once

#include <optional>

#include "translate/flags.h"
#include "translate/host_pointers.h"

namespace backplane::tcg {

class Exits {
 public:
  Exits(Translation& t, Flags& flags, HostPointers& pointers)
      : t_(t), flags_(flags), pointers_(pointers) {}

  void jump(i64 target);
  // The conditional jump whose displacement is at `taken` leads to the target. Flags that are
  // wanted there are in the host's, or in memory.
  void jump_if_taken(u32 taken, i64 target);
  // To the instruction pointer in T0. `stack_moved`: what was added to RSP meanwhile, to be taken
  // back if the target is not canonical, which is a fault of the jump.
  void jump_indirect(i32 stack_moved);
  // To the current instruction in a block whose accesses are checked one by one, where the jump
  // whose displacement is at `from` leads.
  void jump_apart(u32 from);

  // The interpreter does the current instruction, and ends the block; where the jumps lead whose
  // displacements are given, or always.
  void interpret();
  void interpret_if(u32 jump, std::optional<u32> other = std::nullopt);

  // Looks for the linear address in T0 in the jump cache; returns the jump taken if it is not
  // there. T1 and T2 are lost.
  u32 probe_jump_cache();

 private:
  bool leads_to_itself(i64 target) const;
  void jump_to_other_page(i64 target);
  JumpSite& create_site(i64 target);
  void bind_unlinked(JumpSite& site);

  Translation& t_;
  Flags& flags_;
  HostPointers& pointers_;
};

}  // namespace backplane::tcg
