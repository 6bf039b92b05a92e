// SPDX-License-Identifier: MIT
// Memory accesses of a block's instructions whose distance from each other is known, so that one
// look into the TLB serves several. [docs/translator.md "Groups"]
#pragma once

#include <vector>

#include "translate/guest_code.h"
#include "translate/register_effects.h"

namespace backplane::tcg {

// What an address is made of beside its displacement.
struct AddressKey {
  static constexpr u8 kNone = 0xff;  // no such register
  static constexpr u8 kPage = 0x10;  // base: the linear address of the block's page
  u8 base = kNone;
  u8 index = kNone;
  u8 scale = 0;  // log2
  bool operator==(const AddressKey&) const = default;
  // True if the addresses of this key change with general register `number`.
  bool uses(u8 number) const { return base == number || index == number; }
};

struct MemoryAccess {
  AddressKey key;
  i32 displacement = 0;
  unsigned size = 0;  // bytes
  bool write = false;
};

// Of any memory operand; the segment's base and a 32-bit address size are not in it.
AddressKey operand_key(const Insn& insn);
i32 operand_displacement(const Insn& insn);

// The access of an instruction through its ModRM operand, and (which comes after it) to the
// stack. False: there is none, or its address is not comparable with others'.
bool operand_access(const Insn& insn, MemoryAccess& access);
bool stack_access(const Insn& insn, MemoryAccess& access);

// The bytes that an access and those after it touch, relative to the value the key's registers
// have at the first.
struct AccessGroup {
  i32 low = 0, high = 0;  // [low, high)
  bool write = false;
  unsigned others = 0;        // accesses beside the first
  std::size_t last_insn = 0;  // where the last is
  unsigned size() const { return static_cast<unsigned>(high - low); }
};

enum class AccessPart : u8 { Operand, Stack };

// The group that `access`, of instruction `at`, leads. It holds as long as nothing changes the
// key's registers by an amount not known; a write behind a conditional jump is not in it, lest the
// check asks for a right that is never used. `with_stack`: stack accesses are at the value of RSP.
AccessGroup access_group(const std::vector<ScannedInsn>& insns, std::size_t at, AccessPart part,
                         const MemoryAccess& access, bool with_stack);

}  // namespace backplane::tcg
