// SPDX-License-Identifier: MIT
#include "translate/flags.h"

#include "translate/flags_code.h"
#include "translate/insn_properties.h"

namespace backplane::tcg {

void Flags::begin() {
  in_host_ = false;
  in_memory_ = true;
  recipe_ = {};
}

void Flags::before_clobber() {
  const u8 live = t_.flags_live();
  if (live != 0 && !in_memory_ && !recipe_suffices()) into_memory(live);
  in_host_ = false;
}

void Flags::into_host() {
  if (in_host_) return;
  if (recipe_)
    emit_remake_flags(t_.a, recipe_);
  else
    emit_restore_flags(t_.a);
  in_host_ = true;
}

void Flags::into_memory(u8 live) {
  if (live == 0 || in_memory_) return;
  if (!in_host_ && recipe_) {
    emit_remake_and_save_flags(t_.a, recipe_);
    in_host_ = true;
  } else {
    emit_save_flags(t_.a);
  }
  in_memory_ = true;
}

void Flags::are_in_memory() {
  in_host_ = false;
  in_memory_ = true;
}

void Flags::prepare() {
  const ScannedInsn& s = t_.current();
  const Row& row = s.insn.row;
  const bool keeps = row.flags_touched != 0 && (s.flags_live_after & ~row.flags_killed) != 0;
  if (row.flags_read != 0 || keeps) into_host();
}

void Flags::written(const Row& row) {
  if (row.flags_touched == 0) return;
  in_host_ = true;
  in_memory_ = false;
}

void Flags::end_of_insn(const Insn& i, const RegisterEffects& effects) {
  if (i.row.flags_touched != 0)
    recipe_ = flags_recipe(i);
  else if (!recipe_.outlasts(effects))
    recipe_ = {};
}

// True if the recipe holds until nobody needs the flags any more, or others are there.
bool Flags::recipe_suffices() const {
  if (!recipe_) return false;
  const auto& insns = t_.code->insns();
  const std::size_t until = insns[t_.index].flags_needed_until;
  for (std::size_t n = t_.index; n < until; ++n) {
    if (insns[n].insn.row.flags_touched != 0) return true;
    if (!recipe_.outlasts(register_effects(insns[n].insn))) return false;
  }
  return true;
}

bool Flags::wanted_in_host() const {
  const ScannedInsn& s = t_.current();
  const u8 read =
      static_cast<u8>((s.flags_read_after & ~s.insn.row.flags_killed) | s.insn.row.flags_read);
  return read != 0 && in_host_ && !in_memory_ && !recipe_suffices();
}

FlagsRecipe Flags::to_remake() const {
  return t_.flags_live() == 0 || in_memory_ || in_host_ ? FlagsRecipe{} : recipe_;
}

void Flags::note_native_fault(const Insn& i) {
  if (in_memory_ || !may_fault_natively(i)) return;
  const FlagsRecipe recipe = to_remake();
  t_.cache.add_point({t_.a.here(), t_.offset, t_.index, CodePoint::kFlagsInHost});
  if (in_host_ || !recipe) return;
  t_.defer([this, recipe, at = t_.cache.point_count() - 1] {
    t_.cache.set_point_flags(at, t_.a.here());
    emit_remake_and_save_flags(t_.a, recipe);
    t_.a.mov(t_.a.t1d, t_.offset);
    t_.a.jump(t_.stubs.interpret);
  });
}

}  // namespace backplane::tcg
