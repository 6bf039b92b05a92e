// SPDX-License-Identifier: MIT
// The XSAVE image of the x87, SSE and AVX registers, as a debugger sees and changes it.
// [SDM 1 "Standard Format of XSAVE Area"]
#pragma once

#include <array>
#include <cstring>
#include <span>

#include "backplane/x86/state.h"

namespace backplane::x86::debug {

enum class Component : u8 { X87 = 0, Sse = 1, Avx = 2 };

// Places in the image.
constexpr unsigned kControlAt = 0, kStatusAt = 2, kTagsAt = 4, kOpcodeAt = 6, kInstructionAt = 8,
                   kOperandAt = 16, kMxcsrAt = 24, kStackAt = 32, kXmmAt = 160, kHeaderAt = 512,
                   kYmmHighAt = 576;
constexpr u16 kInitialControl = 0x37f;

inline bool in_use(const X86State& state, Component component) {
  return (state.xsave[kHeaderAt] >> static_cast<u8>(component) & 1) != 0;
}

// The bytes of a component that is not in use are those of its initial state.
inline void read_image(const X86State& state, Component component, unsigned at,
                       std::span<u8> bytes) {
  if (in_use(state, component)) {
    std::memcpy(bytes.data(), state.xsave + at, bytes.size());
    return;
  }
  std::memset(bytes.data(), 0, bytes.size());
  if (component == Component::X87 && at == kControlAt)
    std::memcpy(bytes.data(), &kInitialControl, sizeof kInitialControl);
}

inline void write_image(X86State& state, Component component, unsigned at,
                        std::span<const u8> bytes) {
  if (!in_use(state, component)) {
    // MXCSR, among the x87's, is never in its initial state by the header.
    switch (component) {
      case Component::X87:
        std::memset(state.xsave, 0, kMxcsrAt);
        std::memset(state.xsave + kStackAt, 0, kXmmAt - kStackAt);
        std::memcpy(state.xsave + kControlAt, &kInitialControl, sizeof kInitialControl);
        break;
      case Component::Sse:
        std::memset(state.xsave + kXmmAt, 0, 256);
        break;
      case Component::Avx:
        std::memset(state.xsave + kYmmHighAt, 0, 256);
        break;
    }
    state.xsave[kHeaderAt] |= static_cast<u8>(1u << static_cast<u8>(component));
  }
  std::memcpy(state.xsave + at, bytes.data(), bytes.size());
}

// The tag word with two bits a register, which the image keeps as one (in use or not).
// [SDM 1 "x87 FPU Tag Word"]
u16 full_tags(const X86State& state);
inline u8 abridged_tags(u16 full) {
  u8 tags = 0;
  for (unsigned n = 0; n < 8; ++n)
    if ((full >> (2 * n) & 3) != 3) tags |= static_cast<u8>(1u << n);
  return tags;
}

}  // namespace backplane::x86::debug
