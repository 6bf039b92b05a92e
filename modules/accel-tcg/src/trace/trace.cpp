// SPDX-License-Identifier: MIT
#include "trace/trace.h"

#include <algorithm>

#include "backplane/log.h"
#include "trace/disassembler.h"

namespace backplane::tcg {

namespace {

// Instructions as they were scanned. Of those that are left to the interpreter the scan does not
// know the length, and the last one's bytes may go on in another page.
std::string guest_listing(const GuestCode& code, const GuestBytes& bytes, u64 pointer,
                          unsigned bits) {
  const unsigned readable = bytes.next_page != nullptr ? 2 * kPageSize : kPageSize;
  std::string lines;
  for (const ScannedInsn& scanned : code.insns()) {
    const unsigned offset = scanned.insn.offset;
    std::vector<u8> some;
    for (unsigned at = offset; at < std::min(offset + kLongestInsn, readable); ++at)
      some.push_back(at < kPageSize ? bytes.page[at] : bytes.next_page[at - kPageSize]);
    lines += line_of(some, pointer + offset - code.offset(), bits);
  }
  return lines;
}

std::string host_listing(const Assembler& assembler, u32 begin, u32 end) {
  const u8* const code = assembler.executable(begin);
  return listing({code, end - begin}, reinterpret_cast<u64>(code), 64);
}

}  // namespace

bool entries_are_traced() {
  return log::enabled(LogCategory::Exec) || log::enabled(LogCategory::Cpu);
}

void trace_translation(const GuestCode& code, const GuestBytes& bytes, const Block& block,
                       u64 pointer, const Assembler& assembler) {
  if (!log::enabled(LogCategory::InAsm) && !log::enabled(LogCategory::OutAsm)) return;
  const unsigned bits = block.mode.code_bits();
  log::print(LogCategory::InAsm, "in: {} instructions of {}-bit code, CPL {}\n{}",
             block.instructions, bits, block.mode.user() ? 3 : 0,
             guest_listing(code, bytes, pointer, bits));
  log::print(LogCategory::OutAsm, "out: of {:016x}\n{}out of line:\n{}", pointer,
             host_listing(assembler, block.begin, block.end),
             host_listing(assembler, block.cold_begin, block.cold_end));
}

void trace_entry(const x86::X86Cpu& cpu, Mode mode) {
  log::print(LogCategory::Exec, "cpu {}: block at {:016x}, {}-bit code", cpu.index(),
             cpu.state().rip, mode.code_bits());
  if (log::enabled(LogCategory::Cpu))
    log::print(LogCategory::Cpu, "cpu {}:\n{}", cpu.index(), cpu.describe_registers());
}

}  // namespace backplane::tcg
