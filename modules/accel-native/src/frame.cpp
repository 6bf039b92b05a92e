// SPDX-License-Identifier: MIT
#include "frame.h"

#include <cstring>

#include "backplane/x86/xsave_image.h"

namespace backplane::native {
namespace {

using namespace x86;

// What POPF changes in ring 3, and is right as it is in a frame.
constexpr u64 kUserFlags = kArithmeticFlags | kTF | kDF | kNT | kAC | kID;
constexpr u64 kFixedFlags = 2 | kIF;
// What a far transfer of the guest's may have loaded, in the host and in guests with its selectors.
constexpr u16 kUserCode32 = 0x23;
constexpr Segment kFlatCode32{
    .selector = kUserCode32, .attributes = 0xc0fb, .limit = 0xffffffff, .base = 0};

// [Linux arch/x86/include/uapi/asm/sigcontext.h, struct _fpx_sw_bytes]
constexpr unsigned kSoftwareAt = 464, kLegacySize = 416, kHeaderSize = 64, kYmmSize = 256;
constexpr u32 kMagic1 = 0x46505853, kMagic2 = 0x46505845;
struct Software {
  u32 magic, extended_size;
  u64 features;
  u32 state_size;
};

template <class T>
T load(const u8* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

u8* frame_at(const StubProcess& stub, u64 address) { return stub.shared(address - stub.area()); }

}  // namespace

bool SignalFrame::learn(const StubProcess& stub, const StubProcess::HandOver& first) {
  const u64 signals = stub.area() + STUB_SIGNALS, end = signals + STUB_SIGNALS_SIZE;
  if (first.frame < signals || first.frame + sizeof(SignalContext) > end) return false;
  address_ = first.frame;
  std::memcpy(&like_, frame_at(stub, address_), sizeof like_);
  const u64 state = like_.extended_state;
  if (state < signals || state % 64 != 0 || state + kXsaveSize > end || like_.cs != kUserCode ||
      like_.ss != kUserStack)
    return false;
  state_at_ = state - stub.area();
  std::memcpy(software_, stub.shared(state_at_) + kSoftwareAt, sizeof software_);
  const auto software = load<Software>(software_);
  if (software.magic != kMagic1 || (software.features & kAllComponents) != kAllComponents ||
      software.state_size < kXsaveSize || state + software.extended_size > end ||
      software.extended_size < software.state_size + sizeof kMagic2)
    return false;
  end_mark_at_ = software.state_size;
  return load<u32>(stub.shared(state_at_) + end_mark_at_) == kMagic2;
}

void SignalFrame::write(const StubProcess& stub, const X86State& s) const {
  SignalContext c = like_;
  c.r8 = s.gpr[R8];
  c.r9 = s.gpr[R9];
  c.r10 = s.gpr[R10];
  c.r11 = s.gpr[R11];
  c.r12 = s.gpr[R12];
  c.r13 = s.gpr[R13];
  c.r14 = s.gpr[R14];
  c.r15 = s.gpr[R15];
  c.rdi = s.gpr[RDI];
  c.rsi = s.gpr[RSI];
  c.rbp = s.gpr[RBP];
  c.rbx = s.gpr[RBX];
  c.rdx = s.gpr[RDX];
  c.rax = s.gpr[RAX];
  c.rcx = s.gpr[RCX];
  c.rsp = s.gpr[RSP];
  c.rip = s.rip;
  c.rflags = (s.rflags & (kArithmeticFlags | kDF)) | kFixedFlags;
  c.mask = 0;
  std::memcpy(frame_at(stub, address_), &c, sizeof c);

  u8* const to = stub.shared(state_at_);
  std::memcpy(to, s.xsave, kLegacySize);
  std::memset(to + kLegacySize, 0, kSoftwareAt - kLegacySize);
  std::memcpy(to + kSoftwareAt, software_, sizeof software_);
  std::memset(to + kXstateBv, 0, kHeaderSize);
  const u64 components = load<u64>(s.xsave + kXstateBv) & kAllComponents;
  std::memcpy(to + kXstateBv, &components, sizeof components);
  std::memcpy(to + kYmmHigh, s.xsave + kYmmHigh, kYmmSize);
  std::memcpy(to + end_mark_at_, &kMagic2, sizeof kMagic2);

  u8* const words = stub.shared(STUB_WORDS);
  std::memcpy(words + STUB_FS_BASE, &s.seg[FS].base, sizeof(u64));
  std::memcpy(words + STUB_GS_BASE, &s.seg[GS].base, sizeof(u64));
}

bool SignalFrame::read(const StubProcess& stub, const StubProcess::HandOver& from, X86State& s,
                       Trap& trap) const {
  if (from.frame != address_) return false;
  SignalContext c;
  std::memcpy(&c, frame_at(stub, address_), sizeof c);
  const auto canonical = [](u64 linear) {
    return static_cast<u64>(static_cast<i64>(linear << 16) >> 16) == linear;
  };
  const bool compatible = c.cs == kUserCode32 && c.rip >> 32 == 0;
  if ((c.cs != kUserCode && !compatible) || c.ss != kUserStack || !canonical(c.rip) ||
      !canonical(from.fs_base) || !canonical(from.gs_base) ||
      c.extended_state != stub.area() + state_at_)
    return false;
  s.gpr[R8] = c.r8;
  s.gpr[R9] = c.r9;
  s.gpr[R10] = c.r10;
  s.gpr[R11] = c.r11;
  s.gpr[R12] = c.r12;
  s.gpr[R13] = c.r13;
  s.gpr[R14] = c.r14;
  s.gpr[R15] = c.r15;
  s.gpr[RDI] = c.rdi;
  s.gpr[RSI] = c.rsi;
  s.gpr[RBP] = c.rbp;
  s.gpr[RBX] = c.rbx;
  s.gpr[RDX] = c.rdx;
  s.gpr[RAX] = c.rax;
  s.gpr[RCX] = c.rcx;
  s.gpr[RSP] = c.rsp;
  s.rip = c.rip;
  s.rflags = (c.rflags & kUserFlags) | kFixedFlags;
  s.seg[FS].base = from.fs_base;
  s.seg[GS].base = from.gs_base;
  if (compatible) s.seg[CS] = kFlatCode32;

  const u8* const state = stub.shared(state_at_);
  std::memcpy(s.xsave, state, kLegacySize);
  std::memset(s.xsave + kLegacySize, 0, kFxsaveSize - kLegacySize);
  const u32 mxcsr = load<u32>(s.xsave + kMxcsr) & kMxcsrValid;
  std::memcpy(s.xsave + kMxcsr, &mxcsr, sizeof mxcsr);
  std::memset(s.xsave + kXstateBv, 0, kHeaderSize);
  const u64 components = load<u64>(state + kXstateBv) & kAllComponents;
  std::memcpy(s.xsave + kXstateBv, &components, sizeof components);
  std::memcpy(s.xsave + kYmmHigh, state + kYmmHigh, kYmmSize);
  trap = {.signal = from.signal, .vector = c.vector, .error = c.error, .cr2 = c.cr2};
  return true;
}

bool runs_natively(const X86State& s) {
  constexpr u64 kCr0 = kCr0PE | kCr0NE | kCr0WP | kCr0PG, kCr0Mask = kCr0 | kCr0EM | kCr0TS;
  constexpr u64 kCr4 = kCr4PAE | kCr4OSFXSR | kCr4OSXMMEXCPT | kCr4FSGSBASE | kCr4OSXSAVE;
  constexpr u64 kEfer = kEferSCE | kEferLMA | kEferNXE;
  constexpr u64 kFlags = kFixedFlags | kTF | kIOPL | kNT | kVM | kAC | kVIF | kVIP | kID;
  if ((s.cr0 & kCr0Mask) != kCr0 || (s.cr4 & (kCr4 | kCr4LA57)) != kCr4 ||
      (s.efer & kEfer) != kEfer || s.xcr0 != kAllComponents)
    return false;
  if (s.cpl() != 3 || !s.code64() || s.seg[CS].selector != kUserCode ||
      s.seg[SS].selector != kUserStack)
    return false;
  for (const SegReg reg : {DS, ES, FS, GS})
    if (s.seg[reg].selector != 0) return false;
  return (s.rflags & kFlags) == kFixedFlags && s.rip < kUserEnd &&
         s.interrupt_shadow == kNoShadow && s.debug_traps == 0 && (s.dr[7] & 0xff) == 0;
}

}  // namespace backplane::native
