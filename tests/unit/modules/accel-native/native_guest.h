// SPDX-License-Identifier: MIT
// Ring 3 of a guest in a machine without a kernel: a page of code, one of data, page tables.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "backplane/testing/test_machine.h"
#include "vcpu.h"

namespace backplane::native {

class NativeGuest : public ::testing::Test {
 protected:
  using Bytes = std::vector<u8>;
  using Left = tcg::NativeVcpu::Left;

  static constexpr u64 kTables = 0x10000, kCodePage = 0x100000, kDataPage = 0x101000;
  static constexpr u64 kCode = 0x400000, kData = 0x500000, kStack = kData + kPageSize;
  static constexpr u64 kPresent = 1, kWritable = 2, kUser = 4, kAccessed = 0x20, kDirty = 0x40;
  static constexpr u64 kNoExecute = u64{1} << 63;

  NativeGuest() {
    AddressSpace& memory = machine.memory();
    for (u64 level = 0; level < 2; ++level)
      memory.store<u64>(kTables + level * kPageSize, (kTables + (level + 1) * kPageSize) | 0x27);
    memory.store<u64>(kTables + 2 * kPageSize + (kCode >> 21) * 8,
                      (kTables + 3 * kPageSize) | 0x27);
    map(kCode, kCodePage, kPresent | kUser);
    // INT3, as there is between functions.
    write_code(Bytes(kPageSize, 0xcc));
    translate(kCodePage);
    map(kData, kDataPage, kPresent | kUser | kWritable | kNoExecute);
    s.cr0 = x86::kCr0PE | x86::kCr0PG | x86::kCr0WP | x86::kCr0NE;
    s.cr4 =
        x86::kCr4PAE | x86::kCr4OSFXSR | x86::kCr4OSXMMEXCPT | x86::kCr4FSGSBASE | x86::kCr4OSXSAVE;
    s.efer = x86::kEferSCE | x86::kEferLME | x86::kEferLMA | x86::kEferNXE;
    s.xcr0 = 7;
    s.cr3 = kTables;
    s.seg[x86::CS] = {.selector = 0x33, .attributes = 0xa0fb, .limit = 0xffffffff};
    s.seg[x86::SS] = {.selector = 0x2b, .attributes = 0xc0f3, .limit = 0xffffffff};
    for (const x86::SegReg reg : {x86::DS, x86::ES, x86::FS, x86::GS}) s.seg[reg] = {};
    s.rflags = 0x202;
    s.rip = kCode;
    s.gpr[x86::RSP] = kStack;
  }

  void map(u64 linear, u64 physical, u64 bits) {
    machine.memory().store<u64>(kTables + 3 * kPageSize + (linear >> 12 & 0x1ff) * 8,
                                physical | bits);
  }
  u64 entry(u64 linear) {
    return machine.memory().load<u64>(kTables + 3 * kPageSize + (linear >> 12 & 0x1ff) * 8);
  }
  void write_code(const Bytes& bytes, u64 at = 0) {
    machine.memory().write(kCodePage + at, bytes.data(), bytes.size());
  }
  // As if the translator had made code of some of that page.
  void translate(u64 page) {
    machine.ram().page_flags(page) |= RamBlock::kHasCode;
    vcpu.code_marked(machine.ram(), page);
  }
  // As if it had been told of a write to the page, and had forgotten that code.
  void forget(u64 page) {
    machine.ram().page_flags(page) &= static_cast<u8>(~RamBlock::kHasCode);
    vcpu.code_changed(machine.ram().host() + page);
  }
  // Runs code at the beginning of the page, until something is for the caller.
  Left run(const Bytes& code) {
    write_code(code);
    s.rip = kCode;
    return vcpu.run(exit_request);
  }
  u64 data(u64 at = 0) { return machine.memory().load<u64>(kDataPage + at); }

  static X86Cpu& add_cpu(testing::TestMachine& machine) {
    machine.add_cpu(x86::create_cpu(machine, "max"));
    return static_cast<X86Cpu&>(*machine.cpus()[0]);
  }

  testing::TestMachine machine;
  X86Cpu& cpu = add_cpu(machine);
  x86::X86State& s = cpu.state();
  std::vector<const u8*> forgotten;
  StubVcpu vcpu{cpu,
                machine.memory(),
                machine.ram(),
                {.check = true, .eager = true, .forget_code = [this](const u8* page) {
                   forgotten.push_back(page);
                 }}};
  std::atomic<u32> exit_request{0};
};

}  // namespace backplane::native
