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
  // Marks a page as one with code and makes writes to it go through every vCPU's slow path.
  // CodeCache::lock() held.
  void protect_code_page(const u8* host_page, RamBlock& ram, u64 ram_offset);
};

}  // namespace backplane::tcg
