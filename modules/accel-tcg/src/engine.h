// SPDX-License-Identifier: MIT
// What the vCPUs of one machine share: the code cache, the stubs, the translator.
#pragma once

#include <atomic>
#include <shared_mutex>
#include <vector>

#include "backplane/memory.h"
#include "cache/code_cache.h"
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

  // Held shared while a vCPU runs translated code, alone to flush the cache.
  // Lock order: before CodeCache::lock().
  std::shared_mutex running;
  std::atomic<bool> flush_wanted{false};

  // Flushes the code cache. The caller runs no translated code.
  void flush_code();
  // How many vCPUs are in wait_for_others(): a page that has the mark may still be written to
  // unseen. CodeCache::lock() held.
  unsigned waiting = 0;

  // Marks a page as one with code and makes writes to it go through every vCPU's slow path. True
  // if it was none: blocks that others run now may still write to it by an address that they looked
  // up before. CodeCache::lock() held.
  bool protect_code_page(const u8* host_page, RamBlock& ram, u64 ram_offset);
  // Waits until every other vCPU has left the blocks that it runs now. CodeCache::lock() not held;
  // the caller is outside of translated code (TcgVcpu::Outside).
  void wait_for_others(const TcgVcpu& caller);
};

}  // namespace backplane::tcg
