// SPDX-License-Identifier: MIT
// String instructions, once or repeated. A repetition does a bounded number of elements in a
// step; while some are left RIP stays at the instruction, with RSI, RDI and RCX up to date, so
// that interrupts and faults find it as the architecture says.
// [SDM 2B "REP/REPE/REPZ/REPNE/REPNZ"]
#include <algorithm>

#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

constexpr u64 kElementsPerStep = 1024;   // one at a time
constexpr u64 kBytesPerStep = 64 << 10;  // in blocks
constexpr unsigned kBlock = 4096;

class StringOperation {
 public:
  StringOperation(Execution& x, const Instruction& i)
      : x_(x), i_(i), size_(i.argument), mask_(mask_of(i.address_size)) {}

  unsigned size() const { return size_; }
  bool forward() const { return !x_.flag(kDF); }
  bool repeated() const { return i_.rep || i_.repne; }
  u64 count() const { return repeated() ? x_.state.gpr[RCX] & mask_ : 1; }
  u64 elements_now() const {
    return x_.one_element() ? std::min<u64>(count(), 1) : std::min(count(), kElementsPerStep);
  }

  u64 source_offset() const { return x_.state.gpr[RSI] & mask_; }
  u64 destination_offset() const { return x_.state.gpr[RDI] & mask_; }
  u64 source(unsigned bytes) const {
    return x_.linear(i_.memory.segment, source_offset(), bytes, false);
  }
  u64 destination(unsigned bytes, bool write) const {
    return x_.linear(ES, destination_offset(), bytes, write);
  }

  void advance(bool source, bool destination, u64 elements = 1) {
    const u64 bytes = elements * size_;
    const u64 step = forward() ? bytes : 0 - bytes;
    if (source) x_.set_reg(RSI, i_.address_size, x_.state.gpr[RSI] + step);
    if (destination) x_.set_reg(RDI, i_.address_size, x_.state.gpr[RDI] + step);
    if (repeated()) x_.set_reg(RCX, i_.address_size, x_.state.gpr[RCX] - elements);
  }

  // After a part: execution stays here while elements are left. What interrupts it pushes RF set:
  // to go on is not to meet the instruction's breakpoint again. [SDM 3B "Instruction-Breakpoint
  // Exception Condition"]
  void stay_if_unfinished() {
    if (!repeated() || count() == 0) return;
    x_.next_rip = x_.state.rip;
    x_.set_flags(kRF, kRF);
  }

  // How many elements from the current positions fit into one block: forward only, within the
  // page and without the offset wrapping.
  u64 block_elements(bool source, bool destination) const {
    if (!repeated() || !forward() || x_.one_element()) return 0;
    u64 bytes = kBlock;
    if (source) bytes = std::min(bytes, room(i_.memory.segment, source_offset()));
    if (destination) bytes = std::min(bytes, room(ES, destination_offset()));
    return std::min(bytes / size_, count());
  }

 private:
  // Bytes from an offset on that one block may cover; none where the limit needs care.
  u64 room(u8 segment, u64 offset) const {
    const Segment& s = x_.state.seg[segment];
    const u64 base = x_.code64() && segment < FS ? 0 : s.base;
    const u64 in_page = kPageSize - ((base + offset) & ~kPageMask);
    const u64 to_wrap = mask_ - offset;
    if (x_.code64()) return std::min(in_page, to_wrap);
    const bool expands_down = (s.type() & 0xc) == 4;
    if (expands_down || offset > s.limit) return 0;
    return std::min({in_page, to_wrap, u64{s.limit} - offset + 1});
  }

  Execution& x_;
  const Instruction& i_;
  unsigned size_;
  u64 mask_;
};

// Runs `block` (which returns how many elements it moved, or 0 where it cannot) and else
// `element`, until the share of this step is used up.
template <class Block, class Element>
void repeat(StringOperation& op, const Block& block, const Element& element) {
  u64 bytes = 0;
  u64 elements = op.elements_now();
  while (elements > 0 && bytes < kBytesPerStep && op.count() != 0) {
    const u64 moved = block();
    if (moved != 0) {
      bytes += moved * op.size();
      if (!op.repeated()) break;
      continue;
    }
    element();
    --elements;
    if (!op.repeated()) return;
  }
  op.stay_if_unfinished();
}

void move_string(Execution& x, const Instruction& i) {
  StringOperation op(x, i);
  const auto block = [&]() -> u64 {
    const u64 n = op.block_elements(true, true);
    if (n < 2) return 0;
    const unsigned bytes = static_cast<unsigned>(n * op.size());
    const u64 from = op.source(bytes);
    const u64 to = op.destination(bytes, true);
    // Where the destination overlaps what is still to be read, each element must see the one
    // before it.
    if (to - from < bytes) return 0;
    void* host = x.memory.atomic_pointer(to, bytes, x.privilege);
    if (host == nullptr) return 0;
    u8 data[kBlock];
    x.read_bytes(from, data, bytes);
    std::memcpy(host, data, bytes);
    op.advance(true, true, n);
    return n;
  };
  repeat(op, block, [&] {
    const u64 value = x.read(op.source(op.size()), op.size());
    x.write(op.destination(op.size(), true), op.size(), value);
    op.advance(true, true);
  });
}

void store_string(Execution& x, const Instruction& i) {
  StringOperation op(x, i);
  const u64 value = x.reg(RAX, op.size());
  const auto block = [&]() -> u64 {
    const u64 n = op.block_elements(false, true);
    if (n < 2) return 0;
    const unsigned bytes = static_cast<unsigned>(n * op.size());
    const u64 to = op.destination(bytes, true);
    u8* host = static_cast<u8*>(x.memory.atomic_pointer(to, bytes, x.privilege));
    if (host == nullptr) return 0;
    for (unsigned at = 0; at < bytes; at += op.size()) store_host(host + at, op.size(), value);
    op.advance(false, true, n);
    return n;
  };
  repeat(op, block, [&] {
    x.write(op.destination(op.size(), true), op.size(), value);
    op.advance(false, true);
  });
}

u64 no_block() { return 0; }

void load_string(Execution& x, const Instruction& i) {
  StringOperation op(x, i);
  repeat(op, no_block, [&] {
    const u64 value = x.read(op.source(op.size()), op.size());
    x.set_reg(RAX, op.size(), value);
    op.advance(true, false);
  });
}

// SCAS and CMPS end early: REPE at the first difference, REPNE at the first match. The flags are
// the last comparison's: at a fault they are as before the instruction.
template <class Element>
void compare_elements(Execution& x, const Instruction& i, StringOperation& op, bool source,
                      const Element& element) {
  for (u64 elements = op.elements_now(); elements > 0; --elements) {
    const AluResult result = element();
    op.advance(source, true);
    const bool equal = (result.flags & kZF) != 0;
    const bool ends = !op.repeated() || equal != i.rep;
    if (ends || op.count() == 0 || x.one_element()) x.set_flags(result);
    if (ends) return;
  }
  op.stay_if_unfinished();
}

void scan_string(Execution& x, const Instruction& i) {
  StringOperation op(x, i);
  compare_elements(x, i, op, false, [&] {
    const u64 value = x.read(op.destination(op.size(), false), op.size());
    return subtract(x.reg(RAX, op.size()), value, 0, op.size());
  });
}

void compare_string(Execution& x, const Instruction& i) {
  StringOperation op(x, i);
  compare_elements(x, i, op, true, [&] {
    const u64 a = x.read(op.source(op.size()), op.size());
    const u64 b = x.read(op.destination(op.size(), false), op.size());
    return subtract(a, b, 0, op.size());
  });
}

void input_string(Execution& x, const Instruction& i) {
  StringOperation op(x, i);
  const u16 port = static_cast<u16>(x.state.gpr[RDX]);
  check_io_permission(x.context, port, op.size());
  x.watch_port(port, op.size());
  repeat(op, no_block, [&] {
    const u64 to = op.destination(op.size(), true);
    x.probe_write(to, op.size());  // a device must not lose what could not be stored
    x.write(to, op.size(), port_in(x.context, port, op.size()));
    op.advance(false, true);
  });
}

void output_string(Execution& x, const Instruction& i) {
  StringOperation op(x, i);
  const u16 port = static_cast<u16>(x.state.gpr[RDX]);
  check_io_permission(x.context, port, op.size());
  x.watch_port(port, op.size());
  repeat(op, no_block, [&] {
    const u64 value = x.read(op.source(op.size()), op.size());
    port_out(x.context, port, static_cast<u32>(value), op.size());
    op.advance(true, false);
  });
}

}  // namespace

void add_string_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_MOVSB, move_string, 1);
  t.add(ZYDIS_MNEMONIC_MOVSW, move_string, 2);
  t.add(ZYDIS_MNEMONIC_MOVSD, move_string, 4);
  t.add(ZYDIS_MNEMONIC_MOVSQ, move_string, 8);
  t.add(ZYDIS_MNEMONIC_STOSB, store_string, 1);
  t.add(ZYDIS_MNEMONIC_STOSW, store_string, 2);
  t.add(ZYDIS_MNEMONIC_STOSD, store_string, 4);
  t.add(ZYDIS_MNEMONIC_STOSQ, store_string, 8);
  t.add(ZYDIS_MNEMONIC_LODSB, load_string, 1);
  t.add(ZYDIS_MNEMONIC_LODSW, load_string, 2);
  t.add(ZYDIS_MNEMONIC_LODSD, load_string, 4);
  t.add(ZYDIS_MNEMONIC_LODSQ, load_string, 8);
  t.add(ZYDIS_MNEMONIC_SCASB, scan_string, 1);
  t.add(ZYDIS_MNEMONIC_SCASW, scan_string, 2);
  t.add(ZYDIS_MNEMONIC_SCASD, scan_string, 4);
  t.add(ZYDIS_MNEMONIC_SCASQ, scan_string, 8);
  t.add(ZYDIS_MNEMONIC_CMPSB, compare_string, 1);
  t.add(ZYDIS_MNEMONIC_CMPSW, compare_string, 2);
  t.add(ZYDIS_MNEMONIC_CMPSD, compare_string, 4);
  t.add(ZYDIS_MNEMONIC_CMPSQ, compare_string, 8);
  t.add(ZYDIS_MNEMONIC_INSB, input_string, 1);
  t.add(ZYDIS_MNEMONIC_INSW, input_string, 2);
  t.add(ZYDIS_MNEMONIC_INSD, input_string, 4);
  t.add(ZYDIS_MNEMONIC_OUTSB, output_string, 1);
  t.add(ZYDIS_MNEMONIC_OUTSW, output_string, 2);
  t.add(ZYDIS_MNEMONIC_OUTSD, output_string, 4);
}

}  // namespace backplane::x86::interpreter
