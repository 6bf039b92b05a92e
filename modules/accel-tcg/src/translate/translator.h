// SPDX-License-Identifier: MIT
// Turns the guest instructions of a block into host code.
#pragma once

#include <functional>
#include <vector>

#include "cache/code_cache.h"
#include "runtime/stubs.h"
#include "translate/flags_recipe.h"
#include "translate/guest_code.h"
#include "translate/host_pointers.h"

namespace backplane::tcg {

struct TranslatorOptions {
  ScanLimits limits;
  bool count_instructions = false;
  bool several_vcpus = false;
  bool bmi2 = false;  // of the host
  // What the host can run and every guest CPU offers.
  FeatureMask features;
};

// One block at a time; CodeCache::lock() held.
class Translator {
 public:
  Translator(CodeCache& cache, const Stubs& stubs, const TranslatorOptions& options)
      : cache_(cache), a_(cache.assembler()), stubs_(stubs), options_(options) {}

  // Makes the block of `code` (as scanned); the caller publishes it.
  Block& translate(const GuestCode& code, const GuestBytes& bytes, Mode mode);

 private:
  // Code that runs rarely, emitted behind the block.
  struct Cold {
    std::function<void()> emit;
    u16 guest_offset;
    u16 index;
  };

  void emit_entries();
  void emit_straddle_check();
  void emit_code_limit_check();
  void emit_insn(const ScannedInsn& s);
  void note_point(u16 guest_offset, u16 index);
  void note_native_fault(const Insn& i);
  void defer(std::function<void()> emit);

  // Flags. [docs/translator.md "Flags"]
  void flags_before_clobber();
  void flags_into_host();
  void flags_for(const ScannedInsn& s);
  void flags_written(const Row& row);
  void flags_to_memory(u8 live);
  bool recipe_suffices() const;
  FlagsRecipe flags_to_remake() const;
  void emit_save_flags();
  void emit_remake_flags(const FlagsRecipe& recipe);
  void emit_remake_and_save_flags(const FlagsRecipe& recipe);

  // Memory operands. What is returned is good until a scratch register in it is used for something
  // else. T0 and T1 may be clobbered, and the host's flags: `live` ones are saved before, or kept.
  enum class FlagsIn : u8 { Memory, Host };  // where live ones are to be afterwards, if possible
  RmOperand emit_operand(const ScannedInsn& s, unsigned size, bool write, FlagsIn flags);
  RmOperand emit_stack_operand(const ScannedInsn& s);
  RmOperand emit_access(const MemoryAccess& access, AccessPart part, FlagsIn flags);
  void emit_address(const Insn& i, unsigned size);
  void emit_segment(unsigned number, unsigned size);
  void emit_move_stack_pointer(i32 by);
  Xbyak::Address segment_base(unsigned number);
  // `low_half`: of the address, zero-extended.
  void emit_key_address(u8 to, const AddressKey& key, i32 displacement, bool low_half = false);
  u32 emit_tlb_lookup(u8 pointer, unsigned size, std::size_t tag);
  void emit_check(u8 pointer, unsigned size, bool write, bool grouped, bool keep_flags,
                  u32 first = 0);
  void emit_jump_apart(u32 from);
  bool carries_flags(FlagsIn flags) const;
  void emit_restore_flags();
  void emit_page_relative(u8 reg, i32 offset);

  // Guest registers.
  void load_guest(u8 host, unsigned guest);
  void store_guest(unsigned guest, u8 host);
  void move_guest(u8 host, unsigned guest);  // whatever its home

  void emit_native(const ScannedInsn& s);
  void emit_doubt(const Insn& i, const RmOperand& rm);
  void emit_x87_pointers(const Insn& i);
  void emit_prefetch(const Insn& i);
  void emit_lea(const Insn& i);
  void emit_bit_string(const ScannedInsn& s);
  void emit_zero_vectors(const Insn& i);
  void emit_mov_immediate(const Insn& i);
  void emit_bswap(const Insn& i);
  void emit_exchange(const Insn& i);
  void emit_push(const ScannedInsn& s);
  void emit_pop(const ScannedInsn& s);
  void emit_leave(const ScannedInsn& s);
  void emit_return(const ScannedInsn& s);
  void emit_push_return_address(const ScannedInsn& s);
  void emit_call(const ScannedInsn& s);
  void emit_indirect(const ScannedInsn& s);
  void emit_jcc(const ScannedInsn& s);
  void emit_loop(const ScannedInsn& s);
  u32 emit_loop_keeping_flags(const Insn& i);
  u32 emit_loop_losing_flags(const ScannedInsn& s);
  // Where the conditional jump leads whose displacement is at `taken`.
  void emit_side_exit(u32 taken, i64 target);
  void emit_interpret(const Insn& i);
  // The jump at `site` leads to the interpreter, which does this instruction.
  void interpret_if(u32 site);
  // In string_instructions.cpp.
  void emit_string(const ScannedInsn& s);
  void emit_repeat(const Insn& i);
  void emit_element(const Insn& i);
  void emit_element_check(const Insn& i, u8 pointer, unsigned segment, bool write);
  void emit_advance(const Insn& i, u8 pointer);
  void emit_direction(const Insn& i);  // CLD, STD
  void emit_next_element(const Xbyak::Reg& counter);
  void emit_leave_between_elements();
  void emit_count_down(const Insn& i);  // rCX
  void emit_cli();
  void emit_sti(const ScannedInsn& s);
  void emit_pushf(const ScannedInsn& s);
  void emit_popf(const ScannedInsn& s);
  void emit_access_control(const ScannedInsn& s);  // STAC, CLAC
  void emit_swapgs();
  void emit_system(const Insn& i);        // what has a SystemForm
  void emit_rdtsc(const ScannedInsn& s);  // RDTSC, RDTSCP
  void emit_read_state(u8 number, std::size_t place, unsigned size);
  void emit_read_control(const Insn& i);
  void emit_read_selector(const Insn& i);
  void emit_read_base(const Insn& i);
  void emit_write_base(const ScannedInsn& s);
  void interpret_instead(const Insn& i, u32 jump);
  u32 jump_if_interrupt_waiting();

  // Control flow out of the block. `target` is relative to the page.
  void emit_jump(i64 target);
  bool leads_to_itself(i64 target) const;
  void emit_far_jump(i64 target);
  void emit_indirect_jump(i32 stack_moved);  // to the instruction pointer in T0
  u32 emit_jump_cache_probe();

  Xbyak::Address tlb(std::size_t field, int scale = 1);

  CodeCache& cache_;
  Assembler& a_;
  const Stubs& stubs_;
  const TranslatorOptions& options_;

  Block* block_ = nullptr;
  u32 behind_entry_ = 0;  // of the block: where it was seen that it need not be left
  const GuestCode* code_ = nullptr;
  Mode mode_;
  std::vector<Cold> cold_;
  HostPointers pointers_;
  bool t2_taken_ = false;   // T2 holds a value that must outlast a check
  u16 current_offset_ = 0;  // of the instruction being translated
  u16 current_index_ = 0;
  bool x87_page_noted_ = false;
  bool flags_in_host_ = false;
  bool flags_in_memory_ = true;
  FlagsRecipe recipe_;  // makes them again, wherever they are
};

}  // namespace backplane::tcg
