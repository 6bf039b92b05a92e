// SPDX-License-Identifier: MIT
#include "vcpu/fpu_state.h"

#include <cassert>
#include <cstring>

namespace backplane::whpx {
namespace {

using x86::X86State;

// Offsets in the image. [SDM 1 "Legacy Region of an XSAVE Area", "XSAVE Header"]
enum Offset : std::size_t {
  kFcw = 0,
  kFsw = 2,
  kFtw = 4,
  kFop = 6,
  kFip = 8,
  kFdp = 16,
  kMxcsr = 24,
  kMxcsrMask = 28,
  kSt0 = 32,
  kXmm0 = 160,
  kXstateBv = 512,
};
constexpr std::size_t kRegisterSize = 16, kStSize = 10;
constexpr u64 kX87 = 1, kSse = 2;
constexpr u16 kInitialControlWord = 0x37f;

template <class T>
T load(const X86State& state, std::size_t offset) {
  T value;
  std::memcpy(&value, state.xsave + offset, sizeof value);
  return value;
}

template <class T>
void store(X86State& state, std::size_t offset, const T& value) {
  std::memcpy(state.xsave + offset, &value, sizeof value);
}

void mark_used(X86State& state, u64 component) {
  store(state, kXstateBv, load<u64>(state, kXstateBv) | component);
}

// Else its registers have their initial values, whatever the image says.
bool is_used(const X86State& state, u64 component) {
  return (load<u64>(state, kXstateBv) & component) != 0;
}

bool is_xmm(WHV_REGISTER_NAME name) {
  return name >= WHvX64RegisterXmm0 && name <= WHvX64RegisterXmm15;
}

bool is_x87(WHV_REGISTER_NAME name) {
  return name >= WHvX64RegisterFpMmx0 && name <= WHvX64RegisterFpMmx7;
}

void control_to_platform(const X86State& from, WHV_X64_FP_CONTROL_STATUS_REGISTER& to) {
  if (!is_used(from, kX87)) {
    to.FpControl = kInitialControlWord;
    return;
  }
  to.FpControl = load<u16>(from, kFcw);
  to.FpStatus = load<u16>(from, kFsw);
  to.FpTag = load<u8>(from, kFtw);
  to.LastFpOp = load<u16>(from, kFop);
  to.LastFpRip = load<u64>(from, kFip);
}

void control_from_platform(const WHV_X64_FP_CONTROL_STATUS_REGISTER& from, X86State& to) {
  store(to, kFcw, from.FpControl);
  store(to, kFsw, from.FpStatus);
  store(to, kFtw, from.FpTag);
  store(to, kFop, from.LastFpOp);
  store(to, kFip, from.LastFpRip);
}

}  // namespace

void fpu_from_platform(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& from, X86State& to) {
  if (is_xmm(name)) {
    mark_used(to, kSse);
    store(to, kXmm0 + kRegisterSize * (name - WHvX64RegisterXmm0), from.Reg128);
  } else if (is_x87(name)) {
    mark_used(to, kX87);
    std::memcpy(to.xsave + kSt0 + kRegisterSize * (name - WHvX64RegisterFpMmx0), &from.Reg128,
                kStSize);
  } else if (name == WHvX64RegisterFpControlStatus) {
    control_from_platform(from.FpControlStatus, to);
  } else {
    assert(name == WHvX64RegisterXmmControlStatus);
    store(to, kFdp, from.XmmControlStatus.LastFpRdp);
    store(to, kMxcsr, from.XmmControlStatus.XmmStatusControl);
    store(to, kMxcsrMask, from.XmmControlStatus.XmmStatusControlMask);
  }
}

void fpu_to_platform(WHV_REGISTER_NAME name, const X86State& from, WHV_REGISTER_VALUE& to) {
  if (is_xmm(name)) {
    if (is_used(from, kSse))
      to.Reg128 = load<WHV_UINT128>(from, kXmm0 + kRegisterSize * (name - WHvX64RegisterXmm0));
  } else if (is_x87(name)) {
    if (is_used(from, kX87))
      std::memcpy(&to.Reg128, from.xsave + kSt0 + kRegisterSize * (name - WHvX64RegisterFpMmx0),
                  kStSize);
  } else if (name == WHvX64RegisterFpControlStatus) {
    control_to_platform(from, to.FpControlStatus);
  } else {
    assert(name == WHvX64RegisterXmmControlStatus);
    if (is_used(from, kX87)) to.XmmControlStatus.LastFpRdp = load<u64>(from, kFdp);
    to.XmmControlStatus.XmmStatusControl = load<u32>(from, kMxcsr);
    to.XmmControlStatus.XmmStatusControlMask = load<u32>(from, kMxcsrMask);
  }
}

}  // namespace backplane::whpx
