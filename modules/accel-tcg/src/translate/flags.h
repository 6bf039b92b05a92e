// SPDX-License-Identifier: MIT
// Where the guest's arithmetic flags are while a block is made. [docs/translator.md "Flags"]
//
// At block boundaries they are in JitState::saved_flags, or what follows writes them before anybody
// can see them. Inside a block they are in the host's flags from the instruction that makes them
// on; they are saved when something of ours is about to clobber them while they are live, or, if
// registers still tell what they were, made again where they are needed: by an instruction, or off
// the path that runs often, by a fault.
#pragma once

#include "translate/flags_recipe.h"
#include "translate/translation.h"

namespace backplane::tcg {

class Flags {
 public:
  explicit Flags(Translation& t) : t_(t) {}

  // At a block's entry.
  void begin();

  // Something of ours changes the host's flags next.
  void before_clobber();
  // Something of ours has changed them, while none were live.
  void lost() { in_host_ = false; }
  // Puts them into the host's, and where they are read at block boundaries, if `live` are.
  void into_host();
  void into_memory(u8 live);
  // Something of ours has put them there.
  void are_in_memory();
  // Into the host's if the current instruction reads them, or keeps some that are live.
  void prepare();
  // The current instruction was emitted as itself; it is done.
  void written(const Row& row);
  void end_of_insn(const Insn& insn, const RegisterEffects& effects);

  bool in_host() const { return in_host_; }
  bool in_memory() const { return in_memory_; }
  // True if they are to stay in the host's until the current instruction, or one behind it, reads
  // them, and a recipe is of no help.
  bool wanted_in_host() const;
  // How a fault of the current instruction finds them; none if they are in memory or the host's, or
  // not needed.
  FlagsRecipe to_remake() const;
  // From here on the instruction may fault on the host's processor, the flags being where they are.
  void note_native_fault(const Insn& insn);

 private:
  bool recipe_suffices() const;

  Translation& t_;
  bool in_host_ = false;
  bool in_memory_ = true;
  FlagsRecipe recipe_;  // makes them again, wherever they are
};

}  // namespace backplane::tcg
