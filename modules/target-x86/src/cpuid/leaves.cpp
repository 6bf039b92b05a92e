// SPDX-License-Identifier: MIT
// CPUID as the guest sees it. [SDM 2A "CPUID-CPU Identification"]
#include <bit>
#include <cstring>

#include "../cpu/impl.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"

namespace backplane::x86 {

namespace {

constexpr u32 kMaxBasic = 0x16, kMaxExtended = 0x80000008;
constexpr u32 kHypervisorBase = 0x40000000, kMaxHypervisor = 0x40000010;
constexpr char kHypervisorSignature[13] = "BackplaneVMM";
constexpr u32 kLineSize = 64;
constexpr u32 kAvxOffset = 512 + 64, kAvxSize = 256;

u32 text_word(const char* text) {
  u32 word = 0;
  std::memcpy(&word, text, sizeof word);
  return word;
}

// Bits of an APIC id that number the threads of a package of `count`.
unsigned id_bits(unsigned count) { return static_cast<unsigned>(std::bit_width(count - 1)); }

struct Cache {
  u32 type;  // 1 data, 2 instruction, 3 unified
  u32 level;
  u32 ways;
  u32 size;
  bool shared;  // by all cores of the package
};
constexpr Cache kCaches[] = {
    {1, 1, 8, 32 << 10, false},
    {2, 1, 8, 32 << 10, false},
    {3, 2, 16, 1 << 20, false},
    {3, 3, 16, 16 << 20, true},
};

CpuidResult cache_leaf(u32 subleaf, unsigned cpus) {
  if (subleaf >= std::size(kCaches)) return {};
  const Cache& c = kCaches[subleaf];
  const u32 cores = (1u << id_bits(cpus)) - 1;
  return {.eax = c.type | (c.level << 5) | (1u << 8) | (c.shared ? cores << 14 : 0) | (cores << 26),
          .ebx = (kLineSize - 1) | ((c.ways - 1) << 22),
          .ecx = c.size / (c.ways * kLineSize) - 1,
          .edx = 0};
}

// Extended topology: threads of a core (one), then cores of the package.
CpuidResult topology_leaf(u32 subleaf, u32 apic_id, unsigned cpus) {
  constexpr u32 kThread = 1, kCore = 2;
  switch (subleaf) {
    case 0:
      return {.eax = 0, .ebx = 1, .ecx = kThread << 8, .edx = apic_id};
    case 1:
      return {.eax = id_bits(cpus), .ebx = cpus, .ecx = 1 | (kCore << 8), .edx = apic_id};
    default:
      return {.eax = 0, .ebx = 0, .ecx = subleaf & 0xff, .edx = apic_id};
  }
}

u32 xsave_size(u64 components) {
  return (components & 4) != 0 ? kAvxOffset + kAvxSize : kAvxOffset;
}

CpuidResult xsave_leaf(u32 subleaf, u64 supported, u64 xcr0, u32 flags) {
  switch (subleaf) {
    case 0:
      return {.eax = static_cast<u32>(supported),
              .ebx = xsave_size(xcr0),
              .ecx = xsave_size(supported),
              .edx = 0};
    case 1:
      return {.eax = flags, .ebx = (flags & 2) != 0 ? xsave_size(xcr0) : 0, .ecx = 0, .edx = 0};
    case 2:
      if ((supported & 4) == 0) return {};
      return {.eax = kAvxSize, .ebx = kAvxOffset, .ecx = 0, .edx = 0};
    default:
      return {};
  }
}

// TSC rate as crystal * ebx / eax. A kernel multiplies crystal (in kHz) by ebx in 32 bits, which
// bounds eax. The crystal is what the local APIC's timer counts; if that is not known, or so fast
// that the rate would come out rough, the leaf is left empty, and the kernel measures both.
CpuidResult tsc_leaf(u64 frequency, u64 crystal) {
  constexpr u64 kFastestCrystal = 100'000'000;
  if (crystal == 0 || crystal > kFastestCrystal) return {};
  const u64 denominator = frequency < 4'200'000'000 ? 1000 : 100;
  return {.eax = static_cast<u32>(denominator),
          .ebx = static_cast<u32>((frequency * denominator + crystal / 2) / crystal),
          .ecx = static_cast<u32>(crystal),
          .edx = 0};
}

CpuidResult brand_leaf(const std::string& name, u32 part) {
  char text[48] = {};
  std::memcpy(text, name.data(), std::min(name.size(), sizeof text - 1));
  const char* at = text + 16 * part;
  return {text_word(at), text_word(at + 4), text_word(at + 8), text_word(at + 12)};
}

}  // namespace

CpuidResult X86Cpu::cpuid(u32 leaf, u32 subleaf) const {
  using W = FeatureWord;
  const Impl& m = *impl_;
  const u32 id = apic_ != nullptr ? apic_->id() : 0;
  const u64 xstate = !features_.xsave ? 0 : features_.avx ? 7 : 3;
  const bool hypervisor = (m.word(W::Leaf1Ecx) >> 31) != 0;

  // Beyond the last leaf, Intel processors answer as for the last basic one.
  if (leaf >= kHypervisorBase && leaf <= kHypervisorBase + 0xff && hypervisor) {
    if (leaf > kMaxHypervisor) return {};
  } else if (leaf > kMaxExtended || (leaf > kMaxBasic && leaf < 0x80000000)) {
    leaf = kMaxBasic;
  }

  switch (leaf) {
    case 0x0:
      return {kMaxBasic, text_word(m.vendor.data()), text_word(m.vendor.data() + 8),
              text_word(m.vendor.data() + 4)};
    case 0x1: {
      CpuidResult r{
          .eax = m.signature(),
          .ebx = ((kLineSize / 8) << 8) | ((1u << id_bits(m.cpu_count)) << 16) | (id << 24),
          .ecx = m.word(W::Leaf1Ecx),
          .edx = m.word(W::Leaf1Edx)};
      if ((state_->cr4 & kCr4OSXSAVE) != 0) r.ecx |= 1u << 27;
      if (m.cpu_count > 1) r.edx |= 1u << 28;
      if (apic_ != nullptr && !apic_->enabled()) r.edx &= ~(1u << 9);
      return r;
    }
    case 0x2:
      return {.eax = 0x0000ff01, .ebx = 0, .ecx = 0, .edx = 0};  // see leaf 4
    case 0x4:
      return cache_leaf(subleaf, m.cpu_count);
    case 0x6:
      return {.eax = m.word(W::Leaf6Eax), .ebx = 0, .ecx = 0, .edx = 0};
    case 0x7:
      if (subleaf == 1) return {.eax = m.word(W::Leaf7Sub1Eax), .ebx = 0, .ecx = 0, .edx = 0};
      if (subleaf != 0) return {};
      return {1, m.word(W::Leaf7Ebx), m.word(W::Leaf7Ecx), m.word(W::Leaf7Edx)};
    case 0xb:
      return topology_leaf(subleaf, id, m.cpu_count);
    case 0xd:
      if (xstate == 0) return {};
      return xsave_leaf(subleaf, xstate, state_->xcr0, m.word(W::LeafDSub1Eax));
    case 0x15:
      return tsc_leaf(tsc_frequency(), apic_->timer_frequency());
    case 0x16: {
      const u32 mhz = static_cast<u32>((tsc_frequency() + 500'000) / 1'000'000);
      return {.eax = mhz, .ebx = mhz, .ecx = 100, .edx = 0};
    }
    case kHypervisorBase:
      return {kMaxHypervisor, text_word(kHypervisorSignature), text_word(kHypervisorSignature + 4),
              text_word(kHypervisorSignature + 8)};
    case kMaxHypervisor:
      return {.eax = static_cast<u32>(tsc_frequency() / 1000),
              .ebx = static_cast<u32>(apic_->timer_frequency() / 1000),
              .ecx = 0,
              .edx = 0};
    case 0x80000000:
      return {.eax = kMaxExtended, .ebx = 0, .ecx = 0, .edx = 0};
    case 0x80000001: {
      CpuidResult r{
          .eax = 0, .ebx = 0, .ecx = m.word(W::Leaf80000001Ecx), .edx = m.word(W::Leaf80000001Edx)};
      if (!state_->code64() && does(vendor(), Difference::SyscallOutside64) == Does::RaisesUd)
        r.edx &= ~(1u << 11);
      return r;
    }
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const std::string name =
          m.model_id.empty() ? "Backplane CPU (" + model_name() + ")" : m.model_id;
      return brand_leaf(name, leaf - 0x80000002);
    }
    case 0x80000006:  // L2: 64-byte lines, 16 ways, 1 MiB
      return {.eax = 0, .ebx = 0, .ecx = kLineSize | (8u << 12) | (1024u << 16), .edx = 0};
    case 0x80000007:
      return {.eax = 0, .ebx = 0, .ecx = 0, .edx = m.word(W::Leaf80000007Edx)};
    case 0x80000008:
      return {.eax = physical_bits_ | (48u << 8), .ebx = 0, .ecx = 0, .edx = 0};
    default:
      return {};
  }
}

}  // namespace backplane::x86
