// SPDX-License-Identifier: MIT
#include "engine.h"

#include "runtime/vector_mask.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {

Engine::Engine(AddressSpace& memory, u64 buffer_size, const TranslatorOptions& options)
    : memory(memory),
      cache(buffer_size),
      options(options),
      translator(cache, stubs, this->options),
      looks_ahead_(options.limits.look_ahead) {
  stubs = emit_stubs(cache.assembler(), TcgVcpu::helpers(), host_vector_mask());
  cache.seal();
  cache.set_change_hook([this](const u8* host_page) {
    for (TcgVcpu* vcpu : vcpus)
      if (vcpu->native() != nullptr) vcpu->native()->code_changed(host_page);
  });
}

void Engine::set_profile(std::unique_ptr<Profile> listeners) {
  profile = std::move(listeners);
  const Assembler& code = cache.assembler();
  profile->stub_made("backplane_stubs", {code.executable(0), code.here()});
}

void Engine::set_debug_points(const DebugPoints& points) {
  for (TcgVcpu* vcpu : vcpus) vcpu->watch(points.data);
  if (!stops.set(points.code)) return;
  options.limits.stops = stops.empty() ? nullptr : &stops;
  // What is shown where a block ends has to be true.
  options.limits.look_ahead = looks_ahead_ && stops.empty();
  flush_wanted = true;
  flush_code();
}

void Engine::flush_code() {
  const std::lock_guard turn(flushing_);
  // Who waited for its turn finds it done.
  if (!flush_wanted) return;
  for (TcgVcpu* vcpu : vcpus) vcpu->wait_until_outside();
  const std::lock_guard guard(cache.lock());
  cache.flush();
  for (TcgVcpu* vcpu : vcpus) vcpu->mmu().forget_code();
  flush_wanted = false;
}

void Engine::protect_code_page(const u8* host_page, RamBlock& ram, u64 ram_offset) {
  const u8 before =
      ram.page_flags(ram_offset).fetch_or(RamBlock::kHasCode, std::memory_order_seq_cst);
  if ((before & RamBlock::kHasCode) != 0) return;
  for (TcgVcpu* vcpu : vcpus) {
    vcpu->mmu().protect_code_page(host_page);
    if (vcpu->native() != nullptr) vcpu->native()->code_marked(ram, ram_offset);
  }
  if (vcpus.size() > 1) unsettled[host_page] = ++marks;
}

bool Engine::settle_code_page(const u8* host_page, RamBlock& ram, u64 ram_offset, u64 mark) {
  const u64 now = unsettled_mark(host_page);
  if (now == mark) unsettled.erase(host_page);
  return (now == mark || now == 0) &&
         (ram.page_flags(ram_offset).load(std::memory_order_relaxed) & RamBlock::kHasCode) != 0;
}

void Engine::forget_if_unused(const u8* host_page, RamBlock& ram, u64 ram_offset) {
  if (unsettled.contains(host_page) || cache.has_blocks(host_page)) return;
  ram.page_flags(ram_offset)
      .fetch_and(static_cast<u8>(~RamBlock::kHasCode), std::memory_order_relaxed);
  cache.tell_of_change(host_page);
}

void Engine::wait_for_others(const TcgVcpu& caller) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (TcgVcpu* vcpu : vcpus)
    if (vcpu != &caller) vcpu->wait_until_outside();
}

}  // namespace backplane::tcg
