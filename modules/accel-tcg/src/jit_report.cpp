// SPDX-License-Identifier: MIT
#include "jit_report.h"

#include "engine.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {

namespace {

// The instructions that were interpreted most often, and how often.
Value most_interpreted(const TcgVcpu& vcpu) {
  constexpr std::size_t kMost = 16;
  Value::List most;
  for (const x86::Interpreter::Count& count : vcpu.interpreter().counts()) {
    if (most.size() == kMost) break;
    most.push_back(Value::Record{{"name", count.name}, {"times", count.times}});
  }
  return most;
}

}  // namespace

Value work_of(const TcgVcpu& vcpu) {
  const TcgVcpu::Counters& n = vcpu.counters();
  const SoftMmu::Counters& m = vcpu.mmu().counters();
  return Value::Record{{"cpu", vcpu.cpu().index()},
                       {"entries", n.entries},
                       {"lookups", n.lookups},
                       {"interpreted", n.interpreted},
                       {"slow-accesses", n.slow_accesses},
                       {"slow-repetitions", n.repetitions},
                       {"page-faults", n.page_faults},
                       {"tlb-fills", m.fills},
                       {"flushes", m.flushes},
                       {"global-flushes", m.global_flushes},
                       {"page-flushes", m.page_flushes},
                       {"most-interpreted", most_interpreted(vcpu)}};
}

Value code_made(const Engine& engine, Value::List cpus) {
  const CodeCache::Counters& c = engine.cache.counters();
  const u64 blocks = c.blocks != 0 ? c.blocks : 1;
  return Value::Record{{"code-bytes", engine.cache.bytes_used()},
                       {"buffer-bytes", engine.cache.size()},
                       {"flushed", c.flushes},
                       {"blocks", c.blocks},
                       {"invalidated", c.invalidated},
                       {"examined", c.examined},
                       {"links", c.links},
                       {"links-made-good", c.tags},
                       {"average-guest-bytes", c.guest_bytes / blocks},
                       {"average-host-bytes", c.host_bytes / blocks},
                       {"average-rare-bytes", c.cold_bytes / blocks},
                       {"cpus", std::move(cpus)}};
}

}  // namespace backplane::tcg
