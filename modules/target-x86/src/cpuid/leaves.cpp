// SPDX-License-Identifier: MIT
// CPUID as the guest sees it. [SDM 2A "CPUID-CPU Identification"]
#include <cstring>

#include "../cpu/impl.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"
#include "topology_leaves.h"
#include "tsc_leaf.h"

namespace backplane::x86 {

namespace {

constexpr u32 kMaxBasic = 0x1f, kMaxExtended = 0x80000008, kMaxExtendedOfAmd = 0x8000001e;
constexpr u32 kHypervisorBase = 0x40000000, kMaxHypervisor = 0x40000010;
constexpr char kHypervisorSignature[13] = "BackplaneVMM";
// Leaf 1 EDX: more than one logical processor may be in the package.
constexpr u32 kHtt = 1u << 28;
// Leaf 80000001h ECX. [APM 3 "CPUID Fn8000_0001_ECX Feature Identifiers"]
constexpr u32 kCmpLegacy = 1u << 1, kTopologyExtensions = 1u << 22;
constexpr u32 kAvxOffset = 512 + 64, kAvxSize = 256;

u32 text_word(const char* text) {
  u32 word = 0;
  std::memcpy(&word, text, sizeof word);
  return word;
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
  const u32 max_extended = m.is_amd() ? kMaxExtendedOfAmd : kMaxExtended;
  const u64 xstate = !features_.xsave ? 0 : features_.avx ? 7 : 3;
  const bool hypervisor = (m.word(W::Leaf1Ecx) >> 31) != 0;

  // Beyond the last leaf, Intel processors answer as for the last basic one, AMD's with zeros.
  if (leaf >= kHypervisorBase && leaf <= kHypervisorBase + 0xff && hypervisor) {
    if (leaf > kMaxHypervisor) return {};
  } else if (leaf > max_extended || (leaf > kMaxBasic && leaf < 0x80000000)) {
    if (m.is_amd()) return {};
    leaf = kMaxBasic;
  }

  switch (leaf) {
    case 0x0:
      return {kMaxBasic, text_word(m.vendor.data()), text_word(m.vendor.data() + 8),
              text_word(m.vendor.data() + 4)};
    case 0x1: {
      CpuidResult r{
          .eax = m.signature(),
          .ebx = ((kLineSize / 8) << 8) | (package_ids(m.apic_ids, m.is_amd()) << 16) | (id << 24),
          .ecx = m.word(W::Leaf1Ecx),
          .edx = m.word(W::Leaf1Edx)};
      if ((state_->cr4 & kCr4OSXSAVE) != 0) r.ecx |= 1u << 27;
      if (m.apic_ids.package_shift() != 0) r.edx |= kHtt;
      if (apic_ != nullptr && !apic_->enabled()) r.edx &= ~(1u << 9);
      return r;
    }
    case 0x2:
      return {.eax = 0x0000ff01, .ebx = 0, .ecx = 0, .edx = 0};  // see leaf 4
    case 0x4:
      return m.is_amd() ? CpuidResult{} : cache_leaf(subleaf, m.apic_ids);
    case 0x6:
      return {.eax = m.word(W::Leaf6Eax), .ebx = 0, .ecx = 0, .edx = 0};
    case 0x7:
      if (subleaf == 1) return {.eax = m.word(W::Leaf7Sub1Eax), .ebx = 0, .ecx = 0, .edx = 0};
      if (subleaf != 0) return {};
      return {1, m.word(W::Leaf7Ebx), m.word(W::Leaf7Ecx), m.word(W::Leaf7Edx)};
    case 0xb:
      return topology_leaf(subleaf, id, m.apic_ids);
    case 0xd:
      if (xstate == 0) return {};
      return xsave_leaf(subleaf, xstate, state_->xcr0, m.word(W::LeafDSub1Eax));
    case 0x15:
      return tsc_leaf(tsc_frequency(), apic_->timer_frequency());
    case 0x16: {
      const u32 mhz = static_cast<u32>((tsc_frequency() + 500'000) / 1'000'000);
      return {.eax = mhz, .ebx = mhz, .ecx = 100, .edx = 0};
    }
    case 0x1f:
      return topology_leaf_with_dies(subleaf, id, m.apic_ids);
    case kHypervisorBase:
      return {kMaxHypervisor, text_word(kHypervisorSignature), text_word(kHypervisorSignature + 4),
              text_word(kHypervisorSignature + 8)};
    case kMaxHypervisor:
      return {.eax = static_cast<u32>(tsc_frequency() / 1000),
              .ebx = static_cast<u32>(apic_->timer_frequency() / 1000),
              .ecx = 0,
              .edx = 0};
    case 0x80000000:
      return {.eax = max_extended, .ebx = 0, .ecx = 0, .edx = 0};
    case 0x80000001: {
      CpuidResult r{
          .eax = 0, .ebx = 0, .ecx = m.word(W::Leaf80000001Ecx), .edx = m.word(W::Leaf80000001Edx)};
      if (m.is_amd())
        r.ecx |= kTopologyExtensions | (m.apic_ids.package_shift() != 0 ? kCmpLegacy : 0);
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
      return {.eax = physical_bits_ | (48u << 8),
              .ebx = 0,
              .ecx = m.is_amd() ? core_identifiers(m.apic_ids) : 0,
              .edx = 0};
    case 0x8000001d:
      return amd_cache_leaf(subleaf, m.apic_ids);
    case 0x8000001e:
      return amd_topology_leaf(id, m.apic_ids);
    default:
      return {};
  }
}

}  // namespace backplane::x86
