// SPDX-License-Identifier: MIT
// An x86 CPU as a debugger sees it.
#include "backplane/machine.h"
#include "registers.h"

namespace backplane::x86 {

namespace {

class X86DebugTarget final : public DebugTarget {
 public:
  explicit X86DebugTarget(X86Cpu& cpu) : cpu_(cpu) {}

  // Whatever the mode: a debugger asks once, and a PC that is switched on is in another mode than
  // its system.
  std::string_view architecture() const override { return "i386:x86-64"; }
  std::span<const DebugFeature> features() const override {
    return debug::features(cpu_.features().avx);
  }

  void read(unsigned number, std::span<u8> bytes) const override {
    const debug::Register& row = debug::registers()[number];
    row.read(cpu_, row.index, bytes);
  }
  bool write(unsigned number, std::span<const u8> bytes) override {
    const debug::Register& row = debug::registers()[number];
    try {
      return row.write(cpu_, row.index, bytes);
    } catch (const GuestException&) {
      return false;
    }
  }

  u64 code_address() const override { return debug::linear_instruction(cpu_.state()); }
  std::optional<u64> physical(u64 linear) const override {
    const Translation found = probe(cpu_.state(), cpu_.machine().memory(), linear);
    if (!found.ok) return std::nullopt;
    return found.physical;
  }

 private:
  X86Cpu& cpu_;
};

}  // namespace

std::unique_ptr<DebugTarget> X86Cpu::debug_target() {
  return std::make_unique<X86DebugTarget>(*this);
}

}  // namespace backplane::x86
