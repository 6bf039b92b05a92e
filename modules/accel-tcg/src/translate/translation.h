// SPDX-License-Identifier: MIT
// The block that is being made and how far it got: what all parts of the translator share.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <vector>

#include "cache/code_cache.h"
#include "runtime/stubs.h"
#include "translate/options.h"

namespace backplane::tcg {

class Translation {
 public:
  Translation(CodeCache& cache, const Stubs& stubs, const TranslatorOptions& options)
      : cache(cache), a(cache.assembler()), stubs(stubs), options(options) {}

  // Begins a block of `code`, which was scanned from those bytes.
  void begin(const GuestCode& code, const GuestBytes& bytes, Mode mode);
  // Host code from here on is of that instruction: its place in the page, its number in the block.
  void go_to(u16 offset, u16 index);
  // Code that runs rarely: emitted behind all blocks' code that runs often, as of the instruction
  // that defers it.
  template <class Emit>
  void defer(const Emit& emit) {
    static_assert(std::is_trivially_destructible_v<Emit>, "nobody destroys it");
    void* const kept = new (kept_.allocate(sizeof(Emit), alignof(Emit))) Emit(emit);
    cold_.push_back({kept, [](void* what) { (*static_cast<Emit*>(what))(); }, offset, index});
  }
  // Emits what was deferred, and what that defers, and ends the block.
  void finish();

  const ScannedInsn& current() const { return code->insns()[index]; }
  // The way to the interpreter that saves no more than the current instruction may use.
  u32 interpreter() const {
    return uses_general_registers_only(current().insn) ? stubs.interpret_general : stubs.interpret;
  }
  u8 flags_live() const { return current().flags_live_before; }
  // Instructions of the block behind the current one.
  int behind() const { return block->instructions - (index + 1); }
  // Where they are counted: gives so many back that the block's entry has charged.
  void give_back(int instructions);

  CodeCache& cache;
  Assembler& a;
  const Stubs& stubs;
  const TranslatorOptions& options;

  Block* block = nullptr;
  const GuestCode* code = nullptr;
  Mode mode;
  u16 offset = 0;
  u16 index = 0;

 private:
  struct Cold {
    void* what;
    void (*emit)(void* what);
    u16 offset;
    u16 index;
  };
  std::vector<Cold> cold_;
  // What is deferred, until the block ends.
  std::byte room_[16 << 10];
  std::pmr::monotonic_buffer_resource kept_{room_, sizeof room_};
};

}  // namespace backplane::tcg
