// SPDX-License-Identifier: MIT
#include "engine.h"

#include <mutex>

#include "runtime/vector_mask.h"
#include "vcpu.h"

namespace backplane::tcg {

Engine::Engine(AddressSpace& memory, u64 buffer_size, const TranslatorOptions& options)
    : memory(memory), cache(buffer_size), options(options), translator(cache, stubs, this->options) {
  stubs = emit_stubs(cache.assembler(), TcgVcpu::helpers(), host_vector_mask());
  cache.seal();
}

void Engine::flush_code() {
  flush_wanted = true;
  for (TcgVcpu* vcpu : vcpus) vcpu->kick();
  const std::unique_lock alone(running);
  const std::lock_guard guard(cache.lock());
  if (!flush_wanted) return;
  cache.flush();
  for (TcgVcpu* vcpu : vcpus) vcpu->mmu().forget_code();
  flush_wanted = false;
}

bool Engine::protect_code_page(const u8* host_page, RamBlock& ram, u64 ram_offset) {
  const u8 before =
      ram.page_flags(ram_offset).fetch_or(RamBlock::kHasCode, std::memory_order_seq_cst);
  if ((before & RamBlock::kHasCode) != 0) return false;
  for (TcgVcpu* vcpu : vcpus) vcpu->mmu().protect_code_page(host_page);
  return true;
}

void Engine::wait_for_others(const TcgVcpu& caller) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (TcgVcpu* vcpu : vcpus)
    if (vcpu != &caller) vcpu->wait_until_outside();
}

}  // namespace backplane::tcg
