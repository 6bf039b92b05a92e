// SPDX-License-Identifier: MIT
// What the vCPUs of one machine share: the code cache, the stubs, the translator.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "backplane/debug.h"
#include "backplane/memory.h"
#include "cache/code_cache.h"
#include "profile/profile.h"
#include "runtime/stubs.h"
#include "translate/translator.h"

namespace backplane::tcg {

class TcgVcpu;

struct Engine {
  Engine(AddressSpace& memory, u64 buffer_size, const TranslatorOptions& options);

  AddressSpace& memory;
  CodeCache cache;
  Stubs stubs;
  TranslatorOptions options;
  Translator translator;
  std::vector<TcgVcpu*> vcpus;
  // Who is told of code that is made; null: nobody.
  std::unique_ptr<Profile> profile;
  // Where a debugger wants guest code to stop. Changes while the machine stands still.
  StopOffsets stops;

  // The code cache is full. Set by a vCPU that is inside; until it is flushed none goes inside.
  std::atomic<bool> flush_wanted{false};
  // The marks of unsettled pages, which have no blocks. Guarded by CodeCache::lock().
  std::unordered_map<const u8*, u64> unsettled;
  u64 marks = 0;

  // From now on, stubs included. Before anything runs.
  void set_profile(std::unique_ptr<Profile> listeners);
  // Takes a debugger's breakpoints and watchpoints. The machine stands still.
  void set_debug_points(const DebugPoints& points);
  // Flushes the code cache, if that is still wanted when every vCPU is outside. The caller is
  // outside, and holds no lock.
  void flush_code();
  // Marks a page as one with code and makes writes to it go through every vCPU's slow path. If it
  // was none, blocks that others run now may still write to it by an address that they looked up
  // before: the page is unsettled. CodeCache::lock() held.
  void protect_code_page(const u8* host_page, RamBlock& ram, u64 ram_offset);
  // Of an unsettled page, which marking that is; 0 of one that every writer knows to have code, or
  // that has no mark. CodeCache::lock() held.
  u64 unsettled_mark(const u8* host_page) const {
    const auto found = unsettled.find(host_page);
    return found == unsettled.end() ? 0 : found->second;
  }
  // After wait_for_others() since that marking. False if the page has lost its mark since, or was
  // marked anew. CodeCache::lock() held.
  bool settle_code_page(const u8* host_page, RamBlock& ram, u64 ram_offset, u64 mark);
  // Takes the mark from a page from which no block was made after all, unless somebody else is
  // about to make one. CodeCache::lock() held.
  void forget_if_unused(const u8* host_page, RamBlock& ram, u64 ram_offset);
  // Waits until every other vCPU has left the blocks that it runs now. CodeCache::lock() not held;
  // the caller is outside of translated code (TcgVcpu::Outside).
  void wait_for_others(const TcgVcpu& caller);

 private:
  // Whether blocks look at what follows them where no debugger is.
  const bool looks_ahead_;
  // One flush at a time. Lock order: before CodeCache::lock().
  std::mutex flushing_;
};

}  // namespace backplane::tcg
