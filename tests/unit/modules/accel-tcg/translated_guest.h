// SPDX-License-Identifier: MIT
// A CPU whose code is translated, in 64-bit mode, with an arena of host memory mirrored into guest
// memory at the same linear addresses, so that one instruction can run natively and translated.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "arena.h"
#include "backplane/testing/test_machine.h"
#include "backplane/x86/host_features.h"
#include "engine.h"
#include "native_processor.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg::testing {

using x86::X86Cpu;
using x86::testing::Arena;
using x86::testing::NativeProcessor;
using x86::testing::Registers;

class TranslatedGuest {
 public:
  explicit TranslatedGuest(TranslatorOptions options = default_options(),
                           std::string_view model = "max")
      : cpu_(add_cpu(model)), engine_(machine_.memory(), 16_MiB, options), vcpu_(engine_, cpu_) {
    machine_.power_on();
    for (u64 page = 0; page < Arena::kSize; page += kPageSize)
      map(arena.address(page), kArenaAt + page);
    add_handlers();
    vcpu_.thread_started();
  }

  static TranslatorOptions default_options() {
    TranslatorOptions options;
    options.bmi2 = __builtin_cpu_supports("bmi2") != 0;
    options.features = FeatureMask(x86::host_cpu_features());
    return options;
  }

  enum class By : u8 { Translator, Interpreter };

  // Runs the code at the arena's start until HLT. False if it faulted; registers and arena then
  // are as they were when the first fault was taken.
  bool run(std::span<const u8> code, Registers& registers,
           NativeProcessor::Mode mode = NativeProcessor::Mode::Long, By by = By::Translator) {
    u8* ram = machine_.ram().host() + kArenaAt;
    std::memcpy(ram, arena.data(), Arena::kSize);
    engine_.cache.invalidate_locked(ram, kPageSize);
    std::memcpy(ram, code.data(), code.size());
    ram[code.size()] = 0xf4;
    enter_long_mode();
    if (mode == NativeProcessor::Mode::Compatibility) enter_compatibility_mode();
    if (mode == NativeProcessor::Mode::Compatibility16) enter_16_bit_code();
    X86State& s = cpu_.state();
    std::copy(std::begin(registers.gpr), std::end(registers.gpr), s.gpr);
    s.rflags = registers.rflags;
    std::memcpy(s.xsave, registers.xsave, sizeof s.xsave);
    s.rip = arena.address() - s.seg[x86::CS].base;
    // A breakpoint that is never reached: while there is one nothing is translated.
    s.dr[7] = by == By::Interpreter ? 0x401 : 0x400;
    cpu_.set_halted(false);
    Vcpu::Exit exit;
    do exit = vcpu_.run();
    while (exit == Vcpu::Exit::Kicked || exit == Vcpu::Exit::Slice);
    std::copy(std::begin(s.gpr), std::end(s.gpr), registers.gpr);
    registers.rflags = s.rflags;
    std::memcpy(registers.xsave, s.xsave, sizeof s.xsave);
    end_ = s.rip;
    fault_.reset();
    if (s.rip >= kSystemLinear) {
      fault_ = static_cast<unsigned>((s.rip - kSystemLinear - kHandlers) / kHandlerSize);
      end_ = system<u64>(kPageSize - 40);
      registers.rflags = system<u64>(kPageSize - 24);
      registers.gpr[x86::RSP] = system<u64>(kPageSize - 16);
    }
    std::memset(ram + code.size(), arena.data()[code.size()], 1);
    std::memcpy(arena.data() + kCodeBytes, ram + kCodeBytes, Arena::kSize - kCodeBytes);
    return exit == Vcpu::Exit::Halted && !fault_;
  }
  // RIP behind the HLT, or of the instruction that faulted.
  u64 end() const { return end_; }
  // The vector of the fault that ended the last run, and its error code, if that kind has one.
  std::optional<unsigned> fault() const { return fault_; }
  u64 error_code() { return system<u64>(kPageSize - 48); }
  // Makes a page of the arena read-only. It was accessed before.
  void write_protect(u64 offset) {
    map(arena.address(offset), kArenaAt + offset, 0x25);
    vcpu_.put_state();
  }
  const TcgVcpu::Counters& counters() const { return vcpu_.counters(); }
  // What a run does not set stays as it is here.
  X86State& state() { return cpu_.state(); }

  // All that was emitted, the stubs included.
  std::span<const u8> host_code() {
    Assembler& a = engine_.cache.assembler();
    return {a.executable(0), a.here()};
  }

  // Where the arena's bytes are for the guest.
  RamBlock& ram() { return machine_.ram(); }
  static constexpr u64 ram_offset(u64 in_arena) { return kArenaAt + in_arena; }
  TcgVcpu& vcpu() { return vcpu_; }

  // Bytes at the arena's start that hold code and are not mirrored back.
  static constexpr u64 kCodeBytes = 256;
  Arena arena;

 private:
  static constexpr u64 kTables = 0x10000, kArenaAt = 0x100000;
  // A page of the guest's kernel: descriptors, a task state segment, exception handlers that halt,
  // and their stack at its end.
  static constexpr u64 kSystemAt = 0x200000, kSystemLinear = 0xffff800000000000;
  static constexpr u64 kTask = 0x40, kIdt = 0x100, kHandlers = 0x400, kHandlerSize = 16;
  static constexpr unsigned kVectors = 32;

  X86Cpu& add_cpu(std::string_view model) {
    machine_.add_cpu(x86::create_cpu(machine_, model));
    return static_cast<X86Cpu&>(*machine_.cpus()[0]);
  }

  // Maps one page for the kernel and users, making the tables on the way.
  void map(u64 linear, u64 physical, u64 rights = 7) {
    u64 table = kTables;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
      const u64 at = table + (linear >> shift & 0x1ff) * 8;
      u64 entry = machine_.memory().load<u64>(at);
      if (entry == 0) {
        entry = (kTables + kPageSize * ++tables_) | 7;
        machine_.memory().store<u64>(at, entry);
      }
      table = entry & kPageMask;
    }
    machine_.memory().store<u64>(table + (linear >> 12 & 0x1ff) * 8, physical | rights);
  }

  template <class T>
  T system(u64 offset) {
    return machine_.memory().load<T>(kSystemAt + offset);
  }

  void add_handlers() {
    map(kSystemLinear, kSystemAt);
    const auto store = [this](u64 offset, u64 value) {
      machine_.memory().store<u64>(kSystemAt + offset, value);
    };
    store(0x08, 0x00af9b000000ffff);  // 64-bit code
    store(0x10, 0x00cf93000000ffff);
    store(kTask + 0x24, kSystemLinear + kPageSize);  // IST1
    for (u64 vector = 0; vector < kVectors; ++vector) {
      const u64 handler = kSystemLinear + kHandlers + vector * kHandlerSize;
      store(kIdt + vector * 16,
            (handler & 0xffff) | 0x08 << 16 | u64{0x8e01} << 32 | (handler & 0xffff0000) << 32);
      store(kIdt + vector * 16 + 8, handler >> 32);
      machine_.memory().store<u8>(kSystemAt + kHandlers + vector * kHandlerSize, 0xf4);
    }
  }

  // Flat segments at privilege level 0.
  void enter_long_mode() {
    X86State& s = cpu_.state();
    s.shutdown = 0;
    s.cr0 = x86::kCr0PE | x86::kCr0PG | x86::kCr0NE | x86::kCr0WP | x86::kCr0MP;
    s.cr4 =
        x86::kCr4PAE | x86::kCr4OSFXSR | x86::kCr4OSXMMEXCPT | x86::kCr4OSXSAVE | x86::kCr4FSGSBASE;
    s.cr3 = kTables;
    s.efer = x86::kEferLME | x86::kEferLMA | x86::kEferNXE;
    s.xcr0 = 7;
    for (x86::Segment& segment : s.seg) segment = {0x10, 0xc093, 0xffffffff, 0};
    s.seg[x86::CS] = {0x08, 0xa09b, 0xffffffff, 0};
    s.gdtr = {0x17, kSystemLinear};
    s.idtr = {kVectors * 16 - 1, kSystemLinear + kIdt};
    s.tr = {0x18, 0x8b, 0x67, kSystemLinear + kTask};
    s.interrupt_shadow = 0;
  }

  void enter_compatibility_mode() {
    X86State& s = cpu_.state();
    s.seg[x86::CS].attributes = 0xc09b;
    s.cr0 &= ~x86::kCr0AM;
  }

  // Segments of 64 KiB, which begin where the arena does.
  void enter_16_bit_code() {
    X86State& s = cpu_.state();
    for (const unsigned n : {x86::ES, x86::SS, x86::DS})
      s.seg[n] = {0x10, 0x0093, 0xffff, arena.address()};
    s.seg[x86::CS] = {0x08, 0x009b, 0xffff, arena.address()};
    s.cr0 &= ~x86::kCr0AM;
  }

  backplane::testing::TestMachine machine_;
  unsigned tables_ = 0;
  X86Cpu& cpu_;
  Engine engine_;
  TcgVcpu vcpu_;
  u64 end_ = 0;
  std::optional<unsigned> fault_;
};

}  // namespace backplane::tcg::testing
