// SPDX-License-Identifier: MIT
#include "features.h"

#include <cpuid.h>

#include <algorithm>
#include <array>

#include "backplane/x86/host_features.h"

namespace backplane::x86 {

namespace {

using F = X86Cpu::Features;
using W = FeatureWord;

constexpr bool kHost = true;
constexpr bool kOurs = false;

// [SDM 2A "CPUID-CPU Identification"]
constexpr Feature kFeatures[] = {
    // clang-format off
    {"fpu",             W::Leaf1Edx,  0, Level::V1, kOurs, nullptr, {}},
    {"de",              W::Leaf1Edx,  2, Level::V1, kOurs, nullptr, {}},
    {"pse",             W::Leaf1Edx,  3, Level::V1, kOurs, nullptr, {}},
    {"tsc",             W::Leaf1Edx,  4, Level::V1, kOurs, nullptr, {}},
    {"msr",             W::Leaf1Edx,  5, Level::V1, kOurs, nullptr, {}},
    {"pae",             W::Leaf1Edx,  6, Level::V1, kOurs, nullptr, {}},
    {"mce",             W::Leaf1Edx,  7, Level::V1, kOurs, nullptr, {}},
    {"cx8",             W::Leaf1Edx,  8, Level::V1, kOurs, nullptr, {}},
    {"apic",            W::Leaf1Edx,  9, Level::V1, kOurs, nullptr, {}},
    {"sep",             W::Leaf1Edx, 11, Level::V1, kOurs, nullptr, {}},
    {"mtrr",            W::Leaf1Edx, 12, Level::V1, kOurs, nullptr, {}},
    {"pge",             W::Leaf1Edx, 13, Level::V1, kOurs, nullptr, {}},
    {"mca",             W::Leaf1Edx, 14, Level::V1, kOurs, nullptr, {}},
    {"cmov",            W::Leaf1Edx, 15, Level::V1, kOurs, nullptr, {}},
    {"pat",             W::Leaf1Edx, 16, Level::V1, kOurs, nullptr, {}},
    {"pse36",           W::Leaf1Edx, 17, Level::V1, kOurs, nullptr, {}},
    {"clflush",         W::Leaf1Edx, 19, Level::V1, kOurs, nullptr, {}},
    {"mmx",             W::Leaf1Edx, 23, Level::V1, kHost, nullptr, {}},
    {"fxsr",            W::Leaf1Edx, 24, Level::V1, kHost, nullptr, {}},
    {"sse",             W::Leaf1Edx, 25, Level::V1, kHost, nullptr, "fxsr"},
    {"sse2",            W::Leaf1Edx, 26, Level::V1, kHost, nullptr, "sse"},

    {"sse3",            W::Leaf1Ecx,  0, Level::V2, kHost, &F::sse3, "sse2"},
    {"pclmulqdq",       W::Leaf1Ecx,  1, Level::Max, kHost, &F::pclmul, "sse2"},
    {"ssse3",           W::Leaf1Ecx,  9, Level::V2, kHost, &F::ssse3, "sse3"},
    {"fma",             W::Leaf1Ecx, 12, Level::V3, kHost, &F::fma, "avx"},
    {"cx16",            W::Leaf1Ecx, 13, Level::V2, kHost, &F::cx16, {}},
    {"pcid",            W::Leaf1Ecx, 17, Level::V3, kOurs, &F::pcid, {}},
    {"sse4.1",          W::Leaf1Ecx, 19, Level::V2, kHost, &F::sse41, "ssse3"},
    {"sse4.2",          W::Leaf1Ecx, 20, Level::V2, kHost, &F::sse42, "sse4.1"},
    {"x2apic",          W::Leaf1Ecx, 21, Level::V1, kOurs, &F::x2apic, "apic"},
    {"movbe",           W::Leaf1Ecx, 22, Level::V3, kHost, &F::movbe, {}},
    {"popcnt",          W::Leaf1Ecx, 23, Level::V2, kHost, &F::popcnt, {}},
    {"tsc-deadline",    W::Leaf1Ecx, 24, Level::V1, kOurs, &F::tsc_deadline, "apic"},
    {"aes",             W::Leaf1Ecx, 25, Level::Max, kHost, &F::aes, "sse2"},
    {"xsave",           W::Leaf1Ecx, 26, Level::V3, kHost, &F::xsave, "fxsr"},
    {"avx",             W::Leaf1Ecx, 28, Level::V3, kHost, &F::avx, "xsave"},
    {"f16c",            W::Leaf1Ecx, 29, Level::V3, kHost, &F::f16c, "avx"},
    {"rdrand",          W::Leaf1Ecx, 30, Level::Max, kHost, &F::rdrand, {}},
    {"hypervisor",      W::Leaf1Ecx, 31, Level::V1, kOurs, nullptr, {}},

    {"arat",            W::Leaf6Eax,  2, Level::V1, kOurs, nullptr, "apic"},

    {"fsgsbase",        W::Leaf7Ebx,  0, Level::V3, kOurs, &F::fsgsbase, {}},
    {"tsc-adjust",      W::Leaf7Ebx,  1, Level::V1, kOurs, nullptr, {}},
    {"bmi1",            W::Leaf7Ebx,  3, Level::V3, kHost, &F::bmi1, {}},
    {"avx2",            W::Leaf7Ebx,  5, Level::V3, kHost, &F::avx2, "avx"},
    {"fdp-excptn-only", W::Leaf7Ebx,  6, Level::V1, kHost, nullptr, {}},
    {"smep",            W::Leaf7Ebx,  7, Level::V3, kOurs, &F::smep, {}},
    {"bmi2",            W::Leaf7Ebx,  8, Level::V3, kHost, &F::bmi2, {}},
    {"erms",            W::Leaf7Ebx,  9, Level::V3, kOurs, &F::erms, {}},
    {"invpcid",         W::Leaf7Ebx, 10, Level::V3, kOurs, &F::invpcid, {}},
    {"zero-fcs-fds",    W::Leaf7Ebx, 13, Level::V1, kHost, nullptr, {}},
    {"rdseed",          W::Leaf7Ebx, 18, Level::Max, kHost, &F::rdseed, {}},
    {"adx",             W::Leaf7Ebx, 19, Level::Max, kHost, &F::adx, {}},
    {"smap",            W::Leaf7Ebx, 20, Level::V3, kOurs, &F::smap, {}},
    {"clflushopt",      W::Leaf7Ebx, 23, Level::Max, kHost, &F::clflushopt, {}},
    {"clwb",            W::Leaf7Ebx, 24, Level::Max, kHost, &F::clwb, {}},
    {"sha-ni",          W::Leaf7Ebx, 29, Level::Max, kHost, &F::sha, "sse2"},

    {"umip",            W::Leaf7Ecx,  2, Level::Max, kOurs, &F::umip, {}},
    {"gfni",            W::Leaf7Ecx,  8, Level::Max, kHost, &F::gfni, "sse2"},
    {"vaes",            W::Leaf7Ecx,  9, Level::Max, kHost, &F::vaes, "avx"},
    {"vpclmulqdq",      W::Leaf7Ecx, 10, Level::Max, kHost, &F::vpclmulqdq, "avx"},
    {"rdpid",           W::Leaf7Ecx, 22, Level::Max, kOurs, &F::rdpid, {}},
    {"movdiri",         W::Leaf7Ecx, 27, Level::Max, kHost, &F::movdiri, {}},
    {"movdir64b",       W::Leaf7Ecx, 28, Level::Max, kHost, &F::movdir64b, {}},

    {"fsrm",            W::Leaf7Edx,  4, Level::V3, kOurs, &F::fsrm, "erms"},
    {"serialize",       W::Leaf7Edx, 14, Level::Max, kHost, &F::serialize, {}},
    {"arch-capabilities", W::Leaf7Edx, 29, Level::V1, kOurs, nullptr, {}},

    {"xsaveopt",        W::LeafDSub1Eax, 0, Level::Max, kHost, &F::xsaveopt, "xsave"},
    {"xsavec",          W::LeafDSub1Eax, 1, Level::Max, kHost, &F::xsavec, "xsave"},
    {"xgetbv1",         W::LeafDSub1Eax, 2, Level::Max, kHost, &F::xgetbv1, "xsave"},

    {"lahf-lm",         W::Leaf80000001Ecx, 0, Level::V2, kHost, &F::lahf, "lm"},
    {"abm",             W::Leaf80000001Ecx, 5, Level::V3, kHost, &F::lzcnt, {}},
    {"3dnowprefetch",   W::Leaf80000001Ecx, 8, Level::V3, kOurs, &F::prefetchw, {}},

    {"syscall",         W::Leaf80000001Edx, 11, Level::V1, kOurs, &F::syscall, {}},
    {"nx",              W::Leaf80000001Edx, 20, Level::V1, kOurs, &F::nx, "pae"},
    {"pdpe1gb",         W::Leaf80000001Edx, 26, Level::V3, kOurs, &F::gbpages, "lm"},
    {"rdtscp",          W::Leaf80000001Edx, 27, Level::V1, kOurs, &F::rdtscp, "tsc"},
    {"lm",              W::Leaf80000001Edx, 29, Level::V1, kOurs, &F::lm, "pae"},

    {"invtsc",          W::Leaf80000007Edx, 8, Level::V1, kOurs, nullptr, "tsc"},
    // clang-format on
};
static_assert(std::size(kFeatures) == kFeatureCount);

struct Registers {
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// In a virtual machine each takes a microsecond. Every processor that runs this has leaf 80000001h.
Registers host_cpuid(u32 leaf, u32 subleaf = 0) {
  static const u32 last = __get_cpuid_max(0, nullptr);
  Registers r;
  if (leaf < 0x80000000 && leaf > last) return r;
  __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
  return r;
}

u64 host_xcr0() {
  u32 low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (u64{high} << 32) | low;
}

FeatureSet read_host_features() {
  std::array<u32, static_cast<std::size_t>(W::Count)> words{};
  const auto word = [&](W w) -> u32& { return words[static_cast<std::size_t>(w)]; };
  const Registers leaf1 = host_cpuid(1);
  const Registers leaf7 = host_cpuid(7);
  const Registers extended = host_cpuid(0x80000001);
  word(W::Leaf1Ecx) = leaf1.ecx;
  word(W::Leaf1Edx) = leaf1.edx;
  word(W::Leaf7Ebx) = leaf7.ebx;
  word(W::Leaf7Ecx) = leaf7.ecx;
  word(W::Leaf7Edx) = leaf7.edx;
  word(W::LeafDSub1Eax) = host_cpuid(0xd, 1).eax;
  word(W::Leaf80000001Ecx) = extended.ecx;
  word(W::Leaf80000001Edx) = extended.edx;

  FeatureSet set;
  for (std::size_t i = 0; i < std::size(kFeatures); ++i)
    set[i] = ((word(kFeatures[i].word) >> kFeatures[i].bit) & 1u) != 0;
  const bool os_uses_xsave = ((leaf1.ecx >> 27) & 1u) != 0;
  const u64 xcr0 = os_uses_xsave ? host_xcr0() : 0;
  if (!os_uses_xsave) set.reset(static_cast<std::size_t>(find_feature("xsave")));
  if ((xcr0 & 6) != 6) set.reset(static_cast<std::size_t>(find_feature("avx")));
  drop_unsupported_dependents(set);
  return set;
}

bool same_name(std::string_view a, std::string_view b) {
  const auto plain = [](char c) { return c == '_' || c == '.' ? '-' : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return plain(x) == plain(y); });
}

}  // namespace

std::span<const Feature> all_features() { return kFeatures; }

int find_feature(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kFeatures); ++i)
    if (same_name(kFeatures[i].name, name)) return static_cast<int>(i);
  return -1;
}

const FeatureSet& host_features() {
  static const FeatureSet set = read_host_features();
  return set;
}

void drop_unsupported_dependents(FeatureSet& set) {
  static const std::array<int, std::size(kFeatures)> needed = [] {
    std::array<int, std::size(kFeatures)> index{};
    for (std::size_t i = 0; i < index.size(); ++i)
      index[i] = kFeatures[i].requires_name.empty() ? -1 : find_feature(kFeatures[i].requires_name);
    return index;
  }();
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if (!set[i] || needed[i] < 0 || set[static_cast<std::size_t>(needed[i])]) continue;
      set.reset(i);
      changed = true;
    }
  }
}

u32 feature_word(const FeatureSet& set, FeatureWord word) {
  u32 bits = 0;
  for (std::size_t i = 0; i < std::size(kFeatures); ++i)
    if (set[i] && kFeatures[i].word == word) bits |= 1u << kFeatures[i].bit;
  return bits;
}

X86Cpu::Features features_of(const FeatureSet& set) {
  X86Cpu::Features features{};
  for (std::size_t i = 0; i < std::size(kFeatures); ++i)
    if (kFeatures[i].member != nullptr) features.*kFeatures[i].member = set[i];
  return features;
}

X86Cpu::Features host_cpu_features() {
  FeatureSet set = host_features();
  for (std::size_t i = 0; i < std::size(kFeatures); ++i)
    if (!kFeatures[i].needs_host) set.set(i);
  drop_unsupported_dependents(set);
  return features_of(set);
}

}  // namespace backplane::x86
