// SPDX-License-Identifier: MIT
#include "test_guest.h"

namespace backplane::x86::testing {

TestGuest::TestGuest(std::string_view model) {
  machine.add_cpu(create_cpu(machine, model));
  cpu = static_cast<X86Cpu*>(machine.cpus().front());
  interpreter = std::make_unique<Interpreter>(*cpu, memory);
  enter_long_mode();
}

void TestGuest::set_descriptor(u16 selector, u64 base, u32 limit, u16 attributes) {
  const u64 raw_limit = (attributes & 0x8000) != 0 ? limit >> 12 : limit;
  const u64 raw = (raw_limit & 0xffff) | (base & 0xffffff) << 16 | u64{attributes} << 40 |
                  (raw_limit & 0xf0000) << 32 | (base & 0xff000000) << 32;
  store_value<u64>(kGdt + (selector & ~7U), raw);
}

void TestGuest::build_tables(bool wide) {
  constexpr u16 kTaskSelector = 0x40;
  set_descriptor(kCode64, 0, 0xffffffff, kAttrCode64);
  set_descriptor(kData0, 0, 0xffffffff, kAttrData);
  set_descriptor(kCode32, 0, 0xffffffff, kAttrCode32);
  set_descriptor(kCode16, 0, 0xffff, kAttrCode16);
  set_descriptor(kUserData, 0, 0xffffffff, kAttrData | kAttrUser);
  set_descriptor(kUserCode64, 0, 0xffffffff, kAttrCode64 | kAttrUser);
  set_descriptor(kUserCode32, 0, 0xffffffff, kAttrCode32 | kAttrUser);
  for (u64 vector = 0; vector < 256; ++vector) {
    const u64 handler = address(kHandlers + vector * kHandlerSize);
    const u64 selector = wide ? kCode64 : kCode32;
    // Software interrupts may come from any privilege level.
    const u64 gate =
        (handler & 0xffff) | selector << 16 | u64{0xee00} << 32 | (handler & 0xffff0000) << 32;
    store_value<u64>(kIdt + vector * (wide ? 16 : 8), gate);
    if (wide) store_value<u64>(kIdt + vector * 16 + 8, 0);
  }
  store_value<u64>(kTask + 4,
                   wide ? address(kInnerStack) : (address(kInnerStack) | u64{kData0} << 32));
  X86State& s = state();
  s.gdtr = {0x7f, address(kGdt)};
  s.idtr = {static_cast<u16>(wide ? 0xfff : 0x7ff), address(kIdt)};
  s.tr = {kTaskSelector, 0x8b, 0x67, address(kTask)};
}

void TestGuest::set_segments(u16 code_selector, u16 code_attributes, bool user) {
  const u16 dpl = user ? kAttrUser : 0;
  for (Segment& segment : state().seg)
    segment = {user ? kUserData : kData0, static_cast<u16>(kAttrData | dpl), 0xffffffff, 0};
  state().seg[CS] = {code_selector, static_cast<u16>(code_attributes | dpl), 0xffffffff, 0};
}

void TestGuest::enter_long_mode(bool user) {
  X86State& s = state();
  s.cr0 = kCr0PE | kCr0PG | kCr0ET | kCr0NE | kCr0MP;
  s.cr4 = kCr4PAE | kCr4OSFXSR | kCr4OSXMMEXCPT | kCr4OSXSAVE | kCr4FSGSBASE;
  s.efer = kEferLME | kEferLMA | kEferSCE;
  s.xcr0 = 7;
  s.rip = address(0);
  s.gpr[RSP] = address(10 * kPageSize);
  s.rflags = 2;
  s.shutdown = 0;
  s.interrupt_shadow = 0;
  set_segments(user ? kUserCode64 : kCode64, kAttrCode64, user);
  build_tables(true);
}

void TestGuest::enter_compatibility_mode(bool user) {
  enter_long_mode(user);
  set_segments(user ? kUserCode32 : kCode32, kAttrCode32, user);
}

void TestGuest::enter_protected_mode(bool user) {
  enter_long_mode(user);
  X86State& s = state();
  s.cr0 &= ~kCr0PG;
  s.efer = 0;
  set_segments(user ? kUserCode32 : kCode32, kAttrCode32, user);
  build_tables(false);
}

void TestGuest::enter_real_mode() {
  enter_long_mode();
  X86State& s = state();
  s.cr0 = kCr0ET | kCr0NE;
  s.efer = 0;
  for (Segment& segment : s.seg) segment = {0x1000, 0x93, 0xffff, address(0)};
  s.idtr = {0x3ff, address(kIdt)};
  s.rip = kPageSize;
  s.gpr[RSP] = 0x8000;
  for (u32 vector = 0; vector < 256; ++vector)
    store_value<u32>(kIdt + 4 * vector, 0x2000'0000 | vector * kHandlerSize);
}

void TestGuest::load(std::span<const u8> code) {
  const X86State& s = state();
  const u64 at = s.code64() ? s.rip : s.seg[CS].base + s.rip;
  std::memcpy(reinterpret_cast<void*>(at), code.data(), code.size());
}

Interpreter::Step TestGuest::run(std::initializer_list<int> code) {
  std::vector<u8> bytes;
  for (const int b : code) bytes.push_back(static_cast<u8>(b));
  load(bytes);
  return step();
}

TestGuest::Fault TestGuest::delivered() {
  const X86State& s = state();
  if (s.shutdown != 0) return {.vector = 256};
  if (s.rip < address(kHandlers)) return {};
  Fault f{.vector = static_cast<int>((s.rip - address(kHandlers)) / kHandlerSize)};
  const bool has_error = f.vector == 8 || (f.vector >= 10 && f.vector <= 14) || f.vector == 17;
  const u64 frame = s.gpr[RSP] - address(0);
  if (has_error) f.error = load_value<u64>(frame);
  f.rip = load_value<u64>(frame + (has_error ? 8 : 0));
  return f;
}

TestGuest::Fault TestGuest::fault(std::initializer_list<int> code) {
  return run(code) == Interpreter::Step::Done ? Fault{} : delivered();
}

}  // namespace backplane::x86::testing
