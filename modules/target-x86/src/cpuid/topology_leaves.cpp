// SPDX-License-Identifier: MIT
#include "topology_leaves.h"

#include <array>
#include <span>

namespace backplane::x86 {

namespace {

struct Cache {
  u32 type;  // 1 data, 2 instruction, 3 unified
  u32 level;
  u32 ways;
  u32 size;
  bool of_die;  // shared by its cores; else a core's own
};
constexpr Cache kCaches[] = {
    {1, 1, 8, 32 << 10, false},
    {2, 1, 8, 32 << 10, false},
    {3, 2, 16, 1 << 20, false},
    {3, 3, 16, 16 << 20, true},
};

u32 ids_of_bits(unsigned bits) { return 1u << bits; }
unsigned threads_of_die(const CpuTopology& t) { return t.cores * t.threads; }
unsigned threads_of_package(const CpuTopology& t) { return t.dies * threads_of_die(t); }

// What Intel's and AMD's cache leaves have in common. Both count the ids that share a cache, which
// are as many as its field has room for: that is what sharers are found by.
CpuidResult cache(u32 subleaf, const ApicIds& ids) {
  if (subleaf >= std::size(kCaches)) return {};
  const Cache& c = kCaches[subleaf];
  const u32 sharers = ids_of_bits(c.of_die ? ids.die_shift() : ids.core_shift());
  return {.eax = c.type | c.level << 5 | 1u << 8 | (sharers - 1) << 14,
          .ebx = (kLineSize - 1) | (c.ways - 1) << 22,
          .ecx = c.size / (c.ways * kLineSize) - 1,
          .edx = 0};
}

// A level of the extended topology: its type, the shift to the level above, its CPUs.
struct Level {
  u32 type;
  u32 shift;
  u32 cpus;
};
constexpr u32 kThreadLevel = 1, kCoreLevel = 2, kDieLevel = 5;

CpuidResult extended_topology(u32 subleaf, u32 apic_id, std::span<const Level> levels) {
  const u32 number = subleaf & 0xff;
  if (subleaf >= levels.size()) return {.eax = 0, .ebx = 0, .ecx = number, .edx = apic_id};
  const Level& level = levels[subleaf];
  return {.eax = level.shift, .ebx = level.cpus, .ecx = number | level.type << 8, .edx = apic_id};
}

}  // namespace

u32 package_ids(const ApicIds& ids, bool amd) {
  return amd ? threads_of_package(ids.topology()) : ids_of_bits(ids.package_shift());
}

CpuidResult cache_leaf(u32 subleaf, const ApicIds& ids) {
  CpuidResult r = cache(subleaf, ids);
  if (r.eax != 0) r.eax |= (ids_of_bits(ids.package_shift() - ids.core_shift()) - 1) << 26;
  return r;
}

CpuidResult topology_leaf(u32 subleaf, u32 apic_id, const ApicIds& ids) {
  const CpuTopology& t = ids.topology();
  return extended_topology(
      subleaf, apic_id,
      std::array<Level, 2>{{{kThreadLevel, ids.core_shift(), t.threads},
                            {kCoreLevel, ids.package_shift(), threads_of_package(t)}}});
}

CpuidResult topology_leaf_with_dies(u32 subleaf, u32 apic_id, const ApicIds& ids) {
  const CpuTopology& t = ids.topology();
  const std::array<Level, 3> levels{{{kThreadLevel, ids.core_shift(), t.threads},
                                     {kCoreLevel, ids.die_shift(), threads_of_die(t)},
                                     {kDieLevel, ids.package_shift(), threads_of_package(t)}}};
  return extended_topology(subleaf, apic_id,
                           std::span(levels).first(t.dies > 1 ? levels.size() : 2));
}

// [APM 3 "CPUID Fn8000_0008_ECX Number of Physical Cores"]
u32 core_identifiers(const ApicIds& ids) {
  return (threads_of_package(ids.topology()) - 1) | ids.package_shift() << 12;
}

CpuidResult amd_cache_leaf(u32 subleaf, const ApicIds& ids) { return cache(subleaf, ids); }

// A node is a die. [APM 3 "CPUID Fn8000_001E_EAX,EBX,ECX"]
CpuidResult amd_topology_leaf(u32 apic_id, const ApicIds& ids) {
  const CpuTopology& t = ids.topology();
  const u32 in_package = apic_id & (ids_of_bits(ids.package_shift()) - 1);
  const u32 die = in_package >> ids.die_shift(), package = apic_id >> ids.package_shift();
  return {.eax = apic_id,
          .ebx = in_package >> ids.core_shift() | (t.threads - 1) << 8,
          .ecx = (package * t.dies + die) | (t.dies - 1) << 8,
          .edx = 0};
}

}  // namespace backplane::x86
