// SPDX-License-Identifier: MIT
// XCHG, XADD and the compare-and-exchange family.
#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

// With memory always as with LOCK.
void exchange(Execution& x, const Instruction& i) {
  const bool memory_first = i.operand[0].kind == OperandKind::Memory;
  const Operand& a = i.operand[memory_first ? 0 : 1];
  const Operand& b = i.operand[memory_first ? 1 : 0];
  const u64 value = x.load(i, b);
  if (a.kind != OperandKind::Memory) {
    const u64 old = x.load(i, a);
    x.store_register(a, value);
    x.store_register(b, old);
    return;
  }
  u64 old = 0;
  x.modify(x.linear(i, a.size, true), a.size, true, [&](u64 seen) {
    old = seen;
    return value;
  });
  x.store_register(b, old);
}

void exchange_add(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u64 addend = x.load(i, i.operand[1]);
  u64 old = 0;
  AluResult result;
  const auto compute = [&](u64 seen) {
    old = seen;
    result = add(seen, addend, 0, size);
    return result.value;
  };
  if (i.operand[0].kind == OperandKind::Memory) {
    x.modify(i, i.operand[0], compute);
    x.store_register(i.operand[1], old);
  } else {
    compute(x.load(i, i.operand[0]));
    x.store_register(i.operand[1], old);  // first: the sum wins in XADD reg, same reg
    x.store_register(i.operand[0], result.value);
  }
  x.set_flags(result);
}

void compare_exchange(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u64 desired = x.load(i, i.operand[1]);
  const u64 expected = x.reg(RAX, size);
  u64 old = 0;
  if (i.operand[0].kind == OperandKind::Memory) {
    // An unequal destination is written back, as the processor does.
    x.modify(i, i.operand[0], [&](u64 seen) {
      old = seen;
      return seen == expected ? desired : seen;
    });
  } else {
    old = x.load(i, i.operand[0]);
    if (old == expected) x.store_register(i.operand[0], desired);
  }
  if (old != expected) x.set_reg(RAX, size, old);
  x.set_flags(subtract(expected, old, 0, size));
}

void compare_exchange_8_bytes(Execution& x, const Instruction& i) {
  const u64 expected = (x.reg(RDX, 4) << 32) | x.reg(RAX, 4);
  const u64 desired = (x.reg(RCX, 4) << 32) | x.reg(RBX, 4);
  u64 old = 0;
  x.modify(x.linear(i, 8, true), 8, i.lock, [&](u64 seen) {
    old = seen;
    return seen == expected ? desired : seen;
  });
  if (old != expected) {
    x.set_reg(RAX, 4, old);
    x.set_reg(RDX, 4, old >> 32);
  }
  x.set_flags(kZF, old == expected ? kZF : 0);
}

// Must be aligned, so it never crosses a page; what is not RAM is read and written in halves.
void compare_exchange_16_bytes(Execution& x, const Instruction& i) {
  const u64 address = x.linear(i, 16, true);
  if ((address & 15) != 0) raise_fault(kGP, 0);
  u64* const gpr = x.state.gpr;
  u64 low = gpr[RAX];
  u64 high = gpr[RDX];
  bool equal = false;
  if (void* host = x.memory.atomic_pointer(address, 16, x.privilege)) {
    equal = compare_exchange_host_16(host, low, high, gpr[RBX], gpr[RCX]);
    if (x.watching) x.watch_write(address, 16);
  } else {
    u64 old[2];
    x.read_bytes(address, old, sizeof old);
    equal = old[0] == low && old[1] == high;
    const u64 desired[2] = {equal ? gpr[RBX] : old[0], equal ? gpr[RCX] : old[1]};
    x.write_bytes(address, desired, sizeof desired);
    low = old[0];
    high = old[1];
  }
  if (!equal) {
    gpr[RAX] = low;
    gpr[RDX] = high;
  }
  x.set_flags(kZF, equal ? kZF : 0);
}

}  // namespace

void add_exchange_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_XCHG, exchange);
  t.add(ZYDIS_MNEMONIC_XADD, exchange_add);
  t.add(ZYDIS_MNEMONIC_CMPXCHG, compare_exchange);
  t.add(ZYDIS_MNEMONIC_CMPXCHG8B, compare_exchange_8_bytes);
  t.add(ZYDIS_MNEMONIC_CMPXCHG16B, compare_exchange_16_bytes);
}

}  // namespace backplane::x86::interpreter
