// SPDX-License-Identifier: MIT
// Operands in memory, checked: what is returned is good until a scratch register in it is used for
// something else. T0 and T1 are lost, and the host's flags, of which live ones are saved before.
#pragma once

#include <optional>

#include "translate/addresses.h"
#include "translate/memory_check.h"

namespace backplane::tcg {

class Operands {
 public:
  Operands(Translation& t, Flags& flags, Exits& exits, HostPointers& pointers)
      : t_(t), flags_(flags), exits_(exits), pointers_(pointers) {}

  enum class FlagsIn : u8 { Memory, Host };  // where live ones are to be afterwards, if possible

  // The current instruction's operand, as ModRM names it.
  RmOperand checked(unsigned size, bool write, FlagsIn flags);
  // Where it pushes or pops.
  RmOperand checked_stack();
  // That place, if it was checked before, so that nothing has to be emitted for it.
  std::optional<RmOperand> known_stack() const;

  // The linear address of the operand, into T0.
  void address(unsigned size);
  // The host address of what is at the linear address in T0, into T0. First: no exception of the
  // instruction comes before that of this access.
  enum class Comes : u8 { First, Later };
  void check(unsigned size, bool write, Comes comes);
  // Adds a segment's base to the offset in T0. (addresses.h)
  void segment(unsigned number, unsigned size) { emit_segment(t_, exits_, number, size); }

  // While one exists, T2 holds a value that must outlast checks.
  class Hold {
   public:
    explicit Hold(Operands& o, bool held) : operands_(o) { operands_.t2_is_held_ = held; }
    ~Hold() { operands_.t2_is_held_ = false; }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Operands& operands_;
  };

 private:
  RmOperand checked_access(const MemoryAccess& access, AccessPart part, FlagsIn flags);
  AccessGroup group_of(const MemoryAccess& access, AccessPart part) const;
  bool keep_flags(FlagsIn flags) const;

  Translation& t_;
  Flags& flags_;
  Exits& exits_;
  HostPointers& pointers_;
  bool t2_is_held_ = false;
};

}  // namespace backplane::tcg
