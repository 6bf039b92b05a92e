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
  // Makes writes to a page go through every vCPU's slow path.
  void protect_code_page(const u8* host_page);
};

}  // namespace backplane::tcg
