// SPDX-License-Identifier: MIT
#include "mmu/mmu_trace.h"

#include "backplane/log.h"

namespace backplane::tcg {

namespace {

std::string_view name_of(Access access) {
  switch (access) {
    case Access::Read:
      return "read";
    case Access::Write:
      return "write";
    default:
      return "execute";
  }
}

}  // namespace

bool walks_are_traced() { return log::enabled(LogCategory::Mmu); }

void trace_fill(const X86Cpu& cpu, u64 linear, Access access, MmuIndex index,
                const SoftMmu::Target& target) {
  const std::string found =
      target.faulted ? fmt::format("page fault, error {:x}", target.fault)
      : target.host != nullptr
          ? fmt::format("physical {:016x}", target.physical)
          : fmt::format("physical {:016x}, which is no plain RAM", target.physical);
  log::print(LogCategory::Mmu, "cpu {}: {} of {:016x} by TLB {}: {}", cpu.index(), name_of(access),
             linear, static_cast<unsigned>(index), found);
}

void trace_flush(const X86Cpu& cpu, bool globals) {
  log::print(LogCategory::Mmu, "cpu {}: TLB flushed{}", cpu.index(),
             globals ? ", global entries too" : "");
}

void trace_page_flush(const X86Cpu& cpu, u64 linear) {
  log::print(LogCategory::Mmu, "cpu {}: page {:016x} flushed", cpu.index(), linear);
}

}  // namespace backplane::tcg
