// SPDX-License-Identifier: MIT
#pragma once

#include <xbyak/xbyak.h>

#include <cstring>
#include <vector>

#include "backplane/memory.h"
#include "translate/guest_code.h"

namespace backplane::tcg::testing {

// A block of 64-bit code at the beginning of a page, as it is scanned before it is translated. What
// `write` does not fill is HLT, which is interpreted.
class Scanned {
 public:
  template <class Write>
  explicit Scanned(Write write, ScanLimits limits = {}) : page_(kPageSize, 0xf4) {
    Xbyak::CodeGenerator code(kPageSize);
    write(code);
    std::memcpy(page_.data(), code.getCode(), code.getSize());
    X86Features all;
    std::memset(&all, 1, sizeof all);
    constexpr u32 kUnits = Mode::kX87 | Mode::kSse | Mode::kAvx;
    code_.scan({page_.data(), nullptr}, 0, Mode{kUnits}, limits, FeatureMask(all));
  }

  const std::vector<ScannedInsn>& insns() const { return code_.insns(); }
  const ScannedInsn& operator[](std::size_t n) const { return code_.insns()[n]; }
  const GuestCode& code() const { return code_; }

 private:
  using X86Features = x86::X86Cpu::Features;
  std::vector<u8> page_;
  GuestCode code_;
};

}  // namespace backplane::tcg::testing
