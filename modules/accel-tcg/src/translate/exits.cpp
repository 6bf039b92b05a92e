// SPDX-License-Identifier: MIT
#include "translate/exits.h"

#include "backplane/memory.h"
#include "runtime/jump_cache.h"
#include "translate/flags_code.h"
#include "translate/guest_state.h"

namespace backplane::tcg {
namespace {

bool in_page(i64 target) { return target >= 0 && target < static_cast<i64>(kPageSize); }

}  // namespace

// A jump to the block's own beginning needs no site, unless a debugger wants to stop there.
bool Exits::leads_to_itself(i64 target) const {
  const Block& block = *t_.block;
  const StopOffsets* const stops = t_.options.limits.stops;
  return target == block.offset && !t_.mode.apart() &&
         (stops == nullptr || !stops->begins_block(block.offset));
}

JumpSite& Exits::create_site(i64 target) {
  JumpSite& site = t_.cache.create_site(*t_.block);
  site.target = static_cast<i32>(target);
  return site;
}

// While the site is not linked its jump leads here.
void Exits::bind_unlinked(JumpSite& site) {
  site.unlinked = t_.a.here();
  t_.a.bind(site.jump);
  t_.a.load_t1(site.index);
  t_.a.jump(t_.stubs.link);
}

void Exits::jump(i64 target) {
  if (!in_page(target)) return jump_to_other_page(target);
  if (leads_to_itself(target)) {
    t_.a.jump(t_.block->entry);
    return;
  }
  JumpSite& site = create_site(target);
  site.jump = t_.a.jump_forward();
  t_.defer([this, &site] { bind_unlinked(site); });
}

// The link holds while the linear page we come from and the mapping generation are those that the
// tag remembers.
void Exits::jump_to_other_page(i64 target) {
  Assembler& a = t_.a;
  JumpSite& site = create_site(target);
  const int generation =
      BACKPLANE_JIT_OFFSET(site_generation) + static_cast<int>(8 * t_.mode.mmu_index());
  emit_page_relative(a, kT0, 0);
  a.mov(a.t1, a.t0);
  a.xor_(a.t1, a.field(generation));
  const u32 tag_reference = a.compare_with_code();
  const u32 miss = a.jump_if_forward(kNotEqual);
  const i64 pages = target >> 12;
  const int distance = static_cast<int>(pages * static_cast<i64>(kPageSize));
  a.lea(Assembler::sized(kT0, t_.mode.code64() ? 8 : 4), a.ptr[a.t0 + distance]);
  a.store_field(BACKPLANE_JIT_OFFSET(page_base), kT0);
  site.jump = a.jump_forward();
  t_.defer([this, &a, &site, tag_reference, miss] {
    a.align(8);
    site.tag = a.here();
    a.dq(~u64{0});
    a.patch_jump(tag_reference, site.tag);
    // The tag matches, but the block linked to is gone; T0 is the target's page.
    site.unlinked = a.here();
    a.bind(site.jump);
    if ((site.target & 0xfff) != 0) a.lea(a.t0, a.ptr[a.t0 + (site.target & 0xfff)]);
    a.jump(t_.stubs.lookup);
    a.bind(miss);
    a.load_t1(site.index);
    if (!t_.options.several_vcpus) return static_cast<void>(a.jump(t_.stubs.link));
    if (site.target != 0) a.lea(a.t0, a.ptr[a.t0 + site.target]);
    a.jump(t_.stubs.link_far[t_.mode.mmu_index()]);
  });
}

void Exits::jump_if_taken(u32 taken, i64 target) {
  const u8 live = t_.code->flags_wanted_at(target);
  const bool save = live != 0 && !flags_.in_memory();
  if (in_page(target) && !save && !t_.options.count_instructions) {
    if (leads_to_itself(target)) return t_.a.patch_jump(taken, t_.block->entry);
    JumpSite& site = create_site(target);
    site.jump = taken;
    t_.defer([this, &site] { bind_unlinked(site); });
    return;
  }
  t_.defer([this, taken, save, target] {
    t_.a.bind(taken);
    if (save) emit_save_flags(t_.a);
    t_.give_back(t_.behind());
    jump(target);
  });
}

u32 Exits::probe_jump_cache() {
  pointers_.forget(kT2);
  return emit_jump_cache_probe(t_.a, t_.mode.mmu_index());
}

void Exits::jump_indirect(i32 stack_moved) {
  Assembler& a = t_.a;
  if (t_.mode.has(Mode::kCodeBased)) {
    a.add(a.t0, a.field(BACKPLANE_JIT_OFFSET(code_base)));
    a.mov(a.t0d, a.t0d);
  }
  const u32 miss = probe_jump_cache();
  emit_jump_to_cached(a);
  t_.defer([this, &a, miss, stack_moved] {
    a.bind(miss);
    if (!t_.mode.code64()) return static_cast<void>(a.jump(t_.stubs.lookup));
    a.mov(a.t1, a.t0);
    a.shl(a.t1, 16);
    a.sar(a.t1, 16);
    a.cmp(a.t1, a.t0);
    a.jump_if(kEqual, t_.stubs.lookup);
    if (stack_moved != 0) move_stack_pointer(a, t_.mode, -stack_moved);
    a.mov(a.t1d, t_.offset);
    a.jump(t_.stubs.interpret);
  });
}

void Exits::jump_apart(u32 from) {
  t_.defer([this, from] {
    t_.a.bind(from);
    t_.give_back(t_.behind() + 1);
    JumpSite& site = create_site(t_.offset);
    site.apart = true;
    site.jump = t_.a.jump_forward();
    bind_unlinked(site);
  });
}

void Exits::interpret() {
  flags_.into_memory(kFlagsAll);
  t_.a.load_t1(t_.offset);
  t_.a.jump(t_.interpreter());
}

void Exits::interpret_if(u32 jump, std::optional<u32> other) {
  t_.defer([this, jump, other, recipe = flags_.to_remake()] {
    t_.a.bind(jump);
    if (other) t_.a.bind(*other);
    if (recipe) emit_remake_and_save_flags(t_.a, recipe);
    // The interpreter charges the instruction itself.
    t_.give_back(t_.behind());
    t_.a.load_t1(t_.offset);
    t_.a.jump(t_.interpreter());
  });
}

}  // namespace backplane::tcg
