// SPDX-License-Identifier: MIT
// The frame of a block: entries, the walk over its instructions, exits, and the flags' whereabouts.
#include "translate/translator.h"

namespace backplane::tcg {

using Xbyak::CodeGenerator;

Block& Translator::translate(const GuestCode& code, const GuestBytes& bytes, Mode mode) {
  block_ = &cache_.create();
  code_ = &code;
  mode_ = mode;
  cold_.clear();
  pointers_.forget_all();
  Block& b = *block_;
  b.host_pc = bytes.page + code.offset();
  b.mode = mode;
  b.offset = static_cast<u16>(code.offset());
  b.size = static_cast<u16>(code.end() - code.offset());
  b.instructions = static_cast<u16>(code.insns().size());
  if (code.end() > kPageSize) b.second_page = bytes.next_page;
  b.first_point = cache_.point_count();
  current_offset_ = b.offset;
  current_index_ = 0;

  emit_entries();
  x87_page_noted_ = false;
  flags_in_host_ = false;
  flags_in_memory_ = true;
  recipe_ = {};
  for (const ScannedInsn& s : code.insns()) {
    current_offset_ = s.insn.offset;
    note_point(current_offset_, current_index_);
    emit_insn(s);
    const RegisterEffects effects = register_effects(s.insn);
    pointers_.apply(effects);
    if (s.insn.row.flags_touched != 0)
      recipe_ = flags_recipe(s.insn);
    else if (!recipe_.outlasts(effects))
      recipe_ = {};
    ++current_index_;
  }
  const Insn& last = code.insns().back().insn;
  if (!ends_block(last) && last.row.op != Op::Interpret) {
    flags_to_memory(code.insns().back().flags_live_after);
    if (mode.split()) a_.call_to(stubs_.commit);
    emit_jump(code.end());
  }
  b.end = a_.here();
  // Apart from what runs, so that this is dense. Cold code may defer more cold code.
  a_.move_to(cache_.cold_position());
  b.cold_begin = a_.here();
  for (std::size_t n = 0; n < cold_.size(); ++n) {
    const Cold cold = std::move(cold_[n]);
    note_point(cold.guest_offset, cold.index);
    current_offset_ = cold.guest_offset;
    current_index_ = cold.index;
    cold.emit();
  }
  b.cold_end = a_.here();
  cache_.set_cold_position(b.cold_end);
  a_.move_to(b.end);
  b.points = cache_.point_count() - b.first_point;
  return b;
}

void Translator::emit_entries() {
  Block& b = *block_;
  b.begin = a_.here();
  a_.align_entry();
  b.entry = a_.here();
  static_assert(Assembler::kEntrySize == 8, "length of the comparison below");
  a_.cmp(a_.field32(BACKPLANE_JIT_OFFSET(exit_request)), 0);
  const auto leave = [this] {
    a_.mov(a_.r11d, block_->offset);
    a_.jump(stubs_.leave_at);
  };
  u32 site = a_.jump_if_forward(5);
  b.behind_check = a_.here();
  defer([this, site, leave] {
    // Entry of a block that was invalidated: look the address up again.
    block_->retired_entry = a_.here();
    emit_page_relative(kT0, block_->offset);
    a_.jump(stubs_.lookup);
    a_.bind(site);
    leave();
  });
  if (b.second_page != nullptr) emit_straddle_check();
  if (mode_.has(Mode::kCodeBased)) emit_code_limit_check();
  if (options_.count_instructions) {
    a_.sub(a_.field32(BACKPLANE_JIT_OFFSET(budget)), block_->instructions);
    site = a_.jump_if_forward(8);
    defer([this, site, leave] {
      a_.bind(site);
      a_.add(a_.field32(BACKPLANE_JIT_OFFSET(budget)), block_->instructions);
      leave();
    });
  }
  behind_entry_ = a_.here();
}

// Where the instruction pointer wraps around, or leaves the segment, the interpreter goes on.
void Translator::emit_code_limit_check() {
  emit_page_relative(kT0, block_->offset);
  a_.sub(a_.r10, a_.field(BACKPLANE_JIT_OFFSET(code_base)));
  a_.lea(a_.r10, a_.ptr[a_.r10 + (block_->size - 1)]);
  a_.cmp(a_.r10, a_.field(BACKPLANE_JIT_OFFSET(pointer_mask)));
  const u32 above = a_.jump_if_forward(7);
  defer([this, above] {
    a_.bind(above);
    // Nothing was charged yet, and the interpreter takes one back.
    if (options_.count_instructions) a_.sub(a_.field32(BACKPLANE_JIT_OFFSET(budget)), 1);
    a_.mov(a_.r11d, block_->offset);
    a_.jump(stubs_.interpret);
  });
}

// The bytes behind the page's end may come from another page than when this was translated. That
// they do not was seen when the block was put into the jump cache, where it must be still.
void Translator::emit_straddle_check() {
  emit_page_relative(kT0, block_->offset);
  const u32 miss = emit_jump_cache_probe();
  defer([this, miss] {
    a_.bind(miss);
    a_.jump(stubs_.lookup);
  });
}

void Translator::emit_insn(const ScannedInsn& s) {
  const Insn& i = s.insn;
  switch (i.row.op) {
    case Op::Native:
      return emit_native(s);
    case Op::Nop:
      return;
    case Op::Prefetch:
      return emit_prefetch(i);
    case Op::Lea:
      return emit_lea(i);
    case Op::BitString:
      return emit_bit_string(s);
    case Op::MovImm:
      return emit_mov_immediate(i);
    case Op::Bswap:
      return emit_bswap(i);
    case Op::XchgAcc:
      return emit_exchange(i);
    case Op::Push:
    case Op::PushImm:
    case Op::PushMem:
      return emit_push(s);
    case Op::Pop:
      return emit_pop(s);
    case Op::Leave:
      return emit_leave(s);
    case Op::Jcc:
      return emit_jcc(s);
    case Op::Loop:
      return emit_loop(s);
    case Op::Jmp:
      flags_to_memory(s.flags_live_after);
      return emit_jump(i64{i.offset} + i.length + i.immediate);
    case Op::JmpIndirect:
      return emit_indirect(s);
    case Op::Call:
      return emit_call(s);
    case Op::CallIndirect:
      return emit_indirect(s);
    case Op::Ret:
      return emit_return(s);
    case Op::String:
      return emit_string(s);
    case Op::RepeatString:
      return emit_repeat(i);
    case Op::Cld:
    case Op::Std:
      return emit_direction(i);
    case Op::Cli:
      return emit_cli();
    case Op::Sti:
      return emit_sti(s);
    case Op::Pushf:
      return emit_pushf(s);
    case Op::Popf:
      return emit_popf(s);
    case Op::Stac:
    case Op::Clac:
      return emit_access_control(s);
    case Op::Rdtsc:
    case Op::Rdtscp:
      return emit_rdtsc(s);
    case Op::ReadControl:
      return emit_read_control(i);
    case Op::ReadSelector:
      return emit_read_selector(i);
    case Op::ReadBase:
      return emit_read_base(i);
    case Op::WriteBase:
      return emit_write_base(s);
    case Op::Swapgs:
      return emit_swapgs();
    case Op::Syscall:
    case Op::Sysret:
    case Op::Iret:
    case Op::WriteCr3:
    case Op::InvalidatePage:
    case Op::SaveState:
    case Op::SaveStateOptimized:
    case Op::SaveStateCompact:
    case Op::RestoreState:
    case Op::LoadSegment:
    case Op::Cpuid:
      return emit_system(i);
    case Op::ZeroVectors:
      return emit_zero_vectors(i);
    case Op::Interpret:
      return emit_interpret(i);
  }
}

void Translator::note_point(u16 guest_offset, u16 index) {
  cache_.add_point({a_.here(), guest_offset, index, CodePoint::kFlagsInMemory});
}

// From here on the instruction may fault on the host's processor, the flags being where they are.
void Translator::note_native_fault(const Insn& i) {
  if (flags_in_memory_ || !may_fault_natively(i)) return;
  CodePoint point{a_.here(), current_offset_, current_index_, CodePoint::kFlagsInHost};
  const FlagsRecipe recipe = flags_to_remake();
  cache_.add_point(point);
  if (flags_in_host_ || !recipe) return;
  defer([this, recipe, at = cache_.point_count() - 1, offset = current_offset_] {
    cache_.set_point_flags(at, a_.here());
    emit_remake_and_save_flags(recipe);
    a_.mov(a_.r11d, offset);
    a_.jump(stubs_.interpret);
  });
}

void Translator::defer(std::function<void()> emit) {
  cold_.push_back({std::move(emit), current_offset_, current_index_});
}

// --- flags ---------------------------------------------------------------------------------------
//
// At block boundaries the guest's arithmetic flags are in JitState::saved_flags, or what follows
// writes them before anybody can see them. Inside a block they are in the host's flags from the
// instruction that makes them on; they are saved when something of ours is about to clobber them
// while they are live, or, if registers still tell what they were, made again where they are
// needed: by an instruction, or off the path that runs often, by a fault.

void Translator::emit_save_flags() {
  a_.mov(a_.r11, a_.rax);
  a_.lahf();
  a_.seto(a_.al);
  a_.mov(a_.word[a_.rsp + BACKPLANE_JIT_OFFSET(saved_flags)], a_.ax);
  a_.mov(a_.rax, a_.r11);
}

void Translator::flags_before_clobber() {
  const u8 live = code_->insns()[current_index_].flags_live_before;
  if (live != 0 && !flags_in_memory_ && !recipe_suffices()) flags_to_memory(live);
  flags_in_host_ = false;
}

// True if the recipe holds until nobody needs the flags any more, or others are there.
bool Translator::recipe_suffices() const {
  if (!recipe_) return false;
  const auto& insns = code_->insns();
  const std::size_t until = insns[current_index_].flags_needed_until;
  for (std::size_t n = current_index_; n < until; ++n) {
    if (insns[n].insn.row.flags_touched != 0) return true;
    if (!recipe_.outlasts(register_effects(insns[n].insn))) return false;
  }
  return true;
}

// How a fault finds the flags; none if they are in memory or the host's, or not needed.
FlagsRecipe Translator::flags_to_remake() const {
  const u8 live = code_->insns()[current_index_].flags_live_before;
  return live == 0 || flags_in_memory_ || flags_in_host_ ? FlagsRecipe{} : recipe_;
}

void Translator::flags_to_memory(u8 live) {
  if (live == 0 || flags_in_memory_) return;
  if (!flags_in_host_ && recipe_) {
    emit_remake_and_save_flags(recipe_);
    flags_in_host_ = true;
  } else {
    emit_save_flags();
  }
  flags_in_memory_ = true;
}

// Into the host's flags. T1 is lost.
void Translator::emit_remake_flags(const FlagsRecipe& r) {
  const auto part = [&r](u8 reg) -> Xbyak::Reg {
    return r.size == 1 ? static_cast<Xbyak::Reg>(Xbyak::Reg8(reg, reg >= 4 && reg < 8))
                       : Assembler::sized(reg, r.size);
  };
  const Xbyak::Reg t = part(kT1);
  const auto apply = [&](auto with_register, auto with_memory, auto with_immediate) {
    if (r.right == FlagsRecipe::kImmediate) return with_immediate();
    const u8 home = host_register(r.right);
    if (home != kSpilled) return with_register(part(home));
    with_memory(a_.field_of(r.right, r.size));
  };
  const u32 number = static_cast<u32>(r.immediate);
  const auto add = [&] {
    apply([&](const Xbyak::Reg& o) { a_.add(t, o); },
          [&](const Xbyak::Address& o) { a_.add(t, o); }, [&] { a_.add(t, number); });
  };
  const auto subtract = [&] {
    apply([&](const Xbyak::Reg& o) { a_.sub(t, o); },
          [&](const Xbyak::Address& o) { a_.sub(t, o); }, [&] { a_.sub(t, number); });
  };
  if (r.kind != FlagsRecipe::Kind::Zero) move_guest(kT1, r.left);
  switch (r.kind) {
    case FlagsRecipe::Kind::None:
      break;
    case FlagsRecipe::Kind::Compare:
      subtract();
      break;
    case FlagsRecipe::Kind::Test:
      apply([&](const Xbyak::Reg& o) { a_.and_(t, o); },
            [&](const Xbyak::Address& o) { a_.and_(t, o); }, [&] { a_.and_(t, number); });
      break;
    case FlagsRecipe::Kind::Sum:
      subtract();
      add();
      break;
    case FlagsRecipe::Kind::Difference:
      add();
      subtract();
      break;
    case FlagsRecipe::Kind::Negation:
      a_.neg(t);
      a_.neg(t);
      break;
    case FlagsRecipe::Kind::Zero:
      a_.xor_(a_.r11d, a_.r11d);
      break;
  }
}

void Translator::emit_remake_and_save_flags(const FlagsRecipe& recipe) {
  emit_remake_flags(recipe);
  emit_save_flags();
}

void Translator::emit_restore_flags() {
  a_.mov(a_.r11, a_.rax);
  a_.movzx(a_.eax, a_.word[a_.rsp + BACKPLANE_JIT_OFFSET(saved_flags)]);
  a_.add(a_.al, 127);
  a_.sahf();
  a_.mov(a_.rax, a_.r11);
}

void Translator::flags_into_host() {
  if (flags_in_host_) return;
  if (recipe_)
    emit_remake_flags(recipe_);
  else
    emit_restore_flags();
  flags_in_host_ = true;
}

// Brings the flags into the host's if the instruction reads them, or keeps some that are live.
void Translator::flags_for(const ScannedInsn& s) {
  const Row& row = s.insn.row;
  const bool keeps = row.flags_touched != 0 && (s.flags_live_after & ~row.flags_killed) != 0;
  if (row.flags_read != 0 || keeps) flags_into_host();
}

void Translator::flags_written(const Row& row) {
  if (row.flags_touched == 0) return;
  flags_in_host_ = true;
  flags_in_memory_ = false;
}

// --- leaving the block ---------------------------------------------------------------------------

void Translator::emit_page_relative(u8 reg, i32 offset) {
  a_.mov(Assembler::r64(reg), a_.field(BACKPLANE_JIT_OFFSET(page_base)));
  if (offset != 0) a_.lea(Assembler::r64(reg), a_.ptr[Assembler::r64(reg) + offset]);
}

// A jump to the block's own beginning needs no site, unless a debugger wants to stop there.
bool Translator::leads_to_itself(i64 target) const {
  const StopOffsets* const stops = options_.limits.stops;
  return target == block_->offset && !mode_.apart() &&
         (stops == nullptr || !stops->begins_block(block_->offset));
}

void Translator::emit_jump(i64 target) {
  if (target < 0 || target >= static_cast<i64>(kPageSize)) return emit_far_jump(target);
  if (leads_to_itself(target)) {
    a_.jump(block_->entry);
    return;
  }
  JumpSite& site = cache_.create_site(*block_);
  site.target = static_cast<i32>(target);
  site.jump = a_.jump_forward();
  defer([this, &site] {
    site.unlinked = a_.here();
    a_.bind(site.jump);
    a_.mov(a_.r11d, site.index);
    a_.jump(stubs_.link);
  });
}

// A jump to another page: the link holds while the linear page we come from and the mapping
// generation are those that the tag remembers.
void Translator::emit_far_jump(i64 target) {
  JumpSite& site = cache_.create_site(*block_);
  site.target = static_cast<i32>(target);
  const int generation =
      BACKPLANE_JIT_OFFSET(site_generation) + static_cast<int>(8 * mode_.mmu_index());
  a_.mov(a_.r10, a_.field(BACKPLANE_JIT_OFFSET(page_base)));
  a_.mov(a_.r11, a_.r10);
  a_.xor_(a_.r11, a_.field(generation));
  // CMP R11, [RIP + tag]
  for (const u8 byte : {0x4c, 0x3b, 0x1d}) a_.db(byte);
  const u32 tag_reference = a_.here();
  a_.dd(0);
  const u32 miss = a_.jump_if_forward(5);
  const i64 pages = target >> 12;
  const int distance = static_cast<int>(pages * static_cast<i64>(kPageSize));
  a_.lea(Assembler::sized(kT0, mode_.code64() ? 8 : 4), a_.ptr[a_.r10 + distance]);
  a_.mov(a_.field(BACKPLANE_JIT_OFFSET(page_base)), a_.r10);
  site.jump = a_.jump_forward();
  defer([this, &site, tag_reference, miss] {
    a_.align(8);
    site.tag = a_.here();
    a_.dq(~u64{0});
    a_.patch_jump(tag_reference, site.tag);
    // The tag matches, but the block linked to is gone; T0 is the target's page.
    site.unlinked = a_.here();
    a_.bind(site.jump);
    if ((site.target & 0xfff) != 0) a_.lea(a_.r10, a_.ptr[a_.r10 + (site.target & 0xfff)]);
    a_.jump(stubs_.lookup);
    a_.bind(miss);
    a_.mov(a_.r11d, site.index);
    if (!options_.several_vcpus) return static_cast<void>(a_.jump(stubs_.link));
    if (site.target != 0) a_.lea(a_.r10, a_.ptr[a_.r10 + site.target]);
    a_.jump(stubs_.link_far[mode_.mmu_index()]);
  });
}

// The slot of the linear address in T0 into T1; returns the jump taken if it holds another.
u32 Translator::emit_jump_cache_probe() {
  pointers_.forget(kT2);
  return a_.probe_jump_cache(mode_.mmu_index());
}

// T0: the instruction pointer to go on at. `stack_moved`: what was added to RSP meanwhile, to be
// taken back if the target is not canonical, which is a fault of the jump.
void Translator::emit_indirect_jump(i32 stack_moved) {
  if (mode_.has(Mode::kCodeBased)) {
    a_.add(a_.r10, a_.field(BACKPLANE_JIT_OFFSET(code_base)));
    a_.mov(a_.r10d, a_.r10d);
  }
  const u32 miss = emit_jump_cache_probe();
  a_.jump_to_cached();
  defer([this, miss, stack_moved] {
    a_.bind(miss);
    if (!mode_.code64()) return static_cast<void>(a_.jump(stubs_.lookup));
    a_.mov(a_.r11, a_.r10);
    a_.shl(a_.r11, 16);
    a_.sar(a_.r11, 16);
    a_.cmp(a_.r11, a_.r10);
    a_.jump_if(4, stubs_.lookup);
    if (stack_moved != 0) emit_move_stack_pointer(-stack_moved);
    a_.mov(a_.r11d, current_offset_);
    a_.jump(stubs_.interpret);
  });
}

void Translator::emit_jcc(const ScannedInsn& s) {
  const Insn& i = s.insn;
  flags_into_host();
  emit_side_exit(a_.jump_if_forward(i.opcode & 15), i64{i.offset} + i.length + i.immediate);
}

void Translator::emit_side_exit(u32 taken, i64 target) {
  const bool near = target >= 0 && target < static_cast<i64>(kPageSize);
  const u8 live = code_->flags_wanted_at(target);
  const bool save = live != 0 && !flags_in_memory_;
  if (near && !save && !options_.count_instructions) {
    if (leads_to_itself(target)) {
      a_.patch_jump(taken, block_->entry);
      return;
    }
    JumpSite& site = cache_.create_site(*block_);
    site.target = static_cast<i32>(target);
    site.jump = taken;
    defer([this, &site] {
      site.unlinked = a_.here();
      a_.bind(site.jump);
      a_.mov(a_.r11d, site.index);
      a_.jump(stubs_.link);
    });
    return;
  }
  const int not_executed = block_->instructions - (current_index_ + 1);
  defer([this, taken, save, target, not_executed] {
    a_.bind(taken);
    if (save) emit_save_flags();
    if (options_.count_instructions && not_executed != 0)
      a_.add(a_.field32(BACKPLANE_JIT_OFFSET(budget)), not_executed);
    emit_jump(target);
  });
}

void Translator::emit_indirect(const ScannedInsn& s) {
  const Insn& i = s.insn;
  const bool call = i.row.op == Op::CallIndirect;
  const unsigned size = i.stack_operand_size();
  flags_to_memory(s.flags_live_before);
  flags_before_clobber();
  RmOperand from;
  if (i.memory) from = emit_operand(s, size, false, FlagsIn::Memory);
  // The target waits in T2 while the return address is stored, unless that needs T2 and no check.
  u8 target = kT0;
  if (call) {
    MemoryAccess push;
    stack_access(i, push);
    const auto held = pointers_.find(push);
    if (!mode_.flat_stack() || !held || held->reg != kT2) target = kT2;
  }
  if (i.memory) {
    a_.load(target, from, size);
  } else {
    move_guest(target, i.rm);
    if (size == 2) a_.movzx(Assembler::r32(target), Xbyak::Reg16(target));
  }
  pointers_.forget(target);
  if (call) {
    emit_push_return_address(s);
    if (target != kT0) a_.mov(a_.r10, Assembler::r64(target));
  }
  emit_indirect_jump(call ? -static_cast<i32>(size) : 0);
}

void Translator::emit_push_return_address(const ScannedInsn& s) {
  const Insn& i = s.insn;
  const unsigned size = i.stack_operand_size();
  const RmOperand to = emit_stack_operand(s);
  emit_page_relative(kT1, i.offset + i.length);
  if (mode_.has(Mode::kCodeBased)) a_.sub(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(code_base)));
  a_.mov(a_.at(to, size), Assembler::sized(kT1, size));
  emit_move_stack_pointer(-static_cast<i32>(size));
}

void Translator::emit_call(const ScannedInsn& s) {
  const Insn& i = s.insn;
  flags_to_memory(s.flags_live_before);
  flags_before_clobber();
  emit_push_return_address(s);
  emit_jump(i64{i.offset} + i.length + i.immediate);
}

void Translator::emit_return(const ScannedInsn& s) {
  const Insn& i = s.insn;
  const unsigned size = i.stack_operand_size();
  flags_to_memory(s.flags_live_before);
  flags_before_clobber();
  const RmOperand from = emit_stack_operand(s);
  a_.load(kT0, from, size);
  const i32 popped = static_cast<i32>(size) + static_cast<i32>(i.immediate);
  emit_move_stack_pointer(popped);
  emit_indirect_jump(popped);
}

void Translator::interpret_if(u32 site) {
  const int not_executed = block_->instructions - current_index_;
  defer([this, site, not_executed, recipe = flags_to_remake()] {
    a_.bind(site);
    if (recipe) emit_remake_and_save_flags(recipe);
    // The interpreter charges the instruction itself.
    if (options_.count_instructions && not_executed != 1)
      a_.add(a_.field32(BACKPLANE_JIT_OFFSET(budget)), not_executed - 1);
    a_.mov(a_.r11d, current_offset_);
    a_.jump(stubs_.interpret);
  });
}

void Translator::emit_interpret(const Insn& i) {
  flags_to_memory(kFlagsAll);
  a_.mov(a_.r11d, i.offset);
  a_.jump(stubs_.interpret);
}

}  // namespace backplane::tcg
