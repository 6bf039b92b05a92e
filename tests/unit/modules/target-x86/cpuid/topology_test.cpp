// SPDX-License-Identifier: MIT
// The topology as a guest works it out from CPUID, against what the machine was given.
#include <map>
#include <set>

#include "../guest.h"
#include "backplane/x86/apic_ids.h"

namespace backplane::x86::testing {
namespace {

constexpr u32 kHtt = 1u << 28;

struct Row {
  CpuTopology topology;
  std::vector<u32> apic_ids;
};
void PrintTo(const Row& row, std::ostream* out) {
  const CpuTopology& t = row.topology;
  *out << t.sockets << " x " << t.dies << " x " << t.cores << " x " << t.threads;
}

const Row kRows[] = {
    {{}, {0}},
    {{.cores = 4}, {0, 1, 2, 3}},
    {{.sockets = 4}, {0, 1, 2, 3}},
    {{.threads = 2}, {0, 1}},
    {{.cores = 3}, {0, 1, 2}},
    {{.sockets = 2, .cores = 3}, {0, 1, 2, 4, 5, 6}},
    {{.cores = 2, .threads = 3}, {0, 1, 2, 4, 5, 6}},
    {{.sockets = 2, .cores = 2, .threads = 2}, {0, 1, 2, 3, 4, 5, 6, 7}},
    {{.sockets = 2, .dies = 2, .threads = 2}, {0, 1, 2, 3, 4, 5, 6, 7}},
    {{.dies = 2, .cores = 3}, {0, 1, 2, 4, 5, 6}},
};

class Topology : public ::testing::TestWithParam<Row> {
 protected:
  const CpuTopology& topology() const { return GetParam().topology; }
  unsigned of_die() const { return topology().cores * topology().threads; }
  unsigned of_package() const { return topology().dies * of_die(); }
  // Checks that CPUs share what `key` tells exactly if they are in the same run of `count`.
  template <class Key>
  void expect_groups(Guest& guest, unsigned count, Key key, const char* of) {
    std::map<u32, std::set<unsigned>> groups;
    for (unsigned n = 0; n < topology().cpus(); ++n) groups[key(guest.cpu(n))].insert(n / count);
    EXPECT_EQ(groups.size(), topology().cpus() / count) << of;
    for (const auto& [_, members] : groups) EXPECT_EQ(members.size(), 1u) << of;
  }
};

INSTANTIATE_TEST_SUITE_P(Machines, Topology, ::testing::ValuesIn(kRows));

TEST_P(Topology, ApicIdsAreBitFields) {
  Guest guest("max", topology());
  for (unsigned n = 0; n < topology().cpus(); ++n) {
    const u32 id = GetParam().apic_ids.at(n);
    EXPECT_EQ(guest.cpu(n).apic().id(), id);
    EXPECT_EQ(guest.cpu(n).cpuid(1, 0).ebx >> 24, id);
    EXPECT_EQ(guest.cpu(n).cpuid(0xb, 0).edx, id);
    EXPECT_EQ(guest.cpu(n).cpuid(0x1f, 0).edx, id);
  }
  EXPECT_EQ(ApicIds(topology()).highest(), GetParam().apic_ids.back());
}

TEST_P(Topology, ExtendedLeavesGroupByTheirShifts) {
  Guest guest("max", topology());
  for (const u32 leaf : {0xbu, 0x1fu}) {
    const auto id_without = [&](u32 subleaf) {
      return
          [=](X86Cpu& cpu) { return cpu.cpuid(leaf, subleaf).edx >> cpu.cpuid(leaf, subleaf).eax; };
    };
    EXPECT_EQ(guest.cpu().cpuid(leaf, 0).ecx, 1u << 8) << "threads";
    EXPECT_EQ(guest.cpu().cpuid(leaf, 0).ebx, topology().threads);
    expect_groups(guest, topology().threads, id_without(0), "cores");
    EXPECT_EQ(guest.cpu().cpuid(leaf, 1).ecx, 2u << 8 | 1) << "cores";
    const bool dies = leaf == 0x1f && topology().dies > 1;
    EXPECT_EQ(guest.cpu().cpuid(leaf, 1).ebx, dies ? of_die() : of_package());
    expect_groups(guest, dies ? of_die() : of_package(), id_without(1), "dies or packages");
    EXPECT_EQ(guest.cpu().cpuid(leaf, 2).ecx, dies ? 5u << 8 | 2 : 2u);
    EXPECT_EQ(guest.cpu().cpuid(leaf, 2).ebx, dies ? of_package() : 0u);
    if (dies) expect_groups(guest, of_package(), id_without(2), "packages");
    EXPECT_EQ(guest.cpu().cpuid(leaf, 3).ecx, 3u) << "no more levels";
  }
}

TEST_P(Topology, LegacyLeavesAgree) {
  Guest guest("max", topology());
  const CpuidResult leaf1 = guest.cpu().cpuid(1, 0), leaf4 = guest.cpu().cpuid(4, 0);
  const ApicIds ids(topology());
  EXPECT_EQ((leaf1.edx & kHtt) != 0, of_package() > 1);
  EXPECT_EQ(leaf1.ebx >> 16 & 0xff, 1u << ids.package_shift());
  EXPECT_EQ((leaf4.eax >> 26) + 1, 1u << (ids.package_shift() - ids.core_shift()));
}

// The ids that a cache's leaf says share it, rounded up to a power of two as both manuals have it.
u32 shared_id(X86Cpu& cpu, u32 leaf, u32 subleaf) {
  const u32 sharers = (cpu.cpuid(leaf, subleaf).eax >> 14 & 0xfff) + 1;
  return cpu.apic().id() >> std::bit_width(sharers - 1);
}

TEST_P(Topology, CoresHaveTheirCachesAndDiesTheirs) {
  for (const auto& [model, leaf] :
       {std::pair("max", 4u), std::pair("max,vendor=AuthenticAMD,family=23", 0x8000001du)}) {
    Guest guest(model, topology());
    for (u32 subleaf = 0; subleaf < 4; ++subleaf) {
      ASSERT_NE(guest.cpu().cpuid(leaf, subleaf).eax & 0x1f, 0u);
      expect_groups(
          guest, subleaf < 3 ? topology().threads : of_die(),
          [&, leaf = leaf](X86Cpu& cpu) { return shared_id(cpu, leaf, subleaf); }, model);
    }
    EXPECT_EQ(guest.cpu().cpuid(leaf, 4).eax & 0x1f, 0u);
  }
}

TEST_P(Topology, AmdsLeavesTellTheSame) {
  Guest guest("max,vendor=AuthenticAMD,family=23,model=49", topology());
  const X86Cpu& first = guest.cpu();
  EXPECT_EQ(first.cpuid(0x80000000, 0).eax, 0x8000001eu);
  EXPECT_EQ(first.cpuid(4, 0).eax, 0u) << "Intel's";
  EXPECT_NE(first.cpuid(0x80000001, 0).ecx & 1u << 22, 0u) << "TopologyExtensions";
  EXPECT_EQ((first.cpuid(0x80000001, 0).ecx & 1u << 1) != 0, of_package() > 1) << "CmpLegacy";
  EXPECT_EQ(first.cpuid(1, 0).ebx >> 16 & 0xff, of_package());
  const u32 size = first.cpuid(0x80000008, 0).ecx;
  EXPECT_EQ((size & 0xff) + 1, of_package());
  expect_groups(
      guest, of_package(), [&](X86Cpu& cpu) { return cpu.apic().id() >> (size >> 12 & 15); },
      "packages");
  EXPECT_EQ((first.cpuid(0x8000001e, 0).ebx >> 8 & 0xff) + 1, topology().threads);
  EXPECT_EQ((first.cpuid(0x8000001e, 0).ecx >> 8 & 7) + 1, topology().dies);
  for (unsigned n = 0; n < topology().cpus(); ++n)
    EXPECT_EQ(guest.cpu(n).cpuid(0x8000001e, 0).eax, GetParam().apic_ids.at(n));
  expect_groups(
      guest, of_die(), [](X86Cpu& cpu) { return cpu.cpuid(0x8000001e, 0).ecx & 0xff; }, "nodes");
  expect_groups(
      guest, topology().threads,
      [&](X86Cpu& cpu) {
        return (cpu.cpuid(0x8000001e, 0).ebx & 0xff) | cpu.apic().id() >> (size >> 12 & 15) << 8;
      },
      "cores");
}

TEST(TopologyOfVendors, IntelsHasNoneOfAmdsLeaves) {
  Guest guest("max", 4);
  EXPECT_EQ(guest.cpu().cpuid(0x80000000, 0).eax, 0x80000008u);
  EXPECT_EQ(guest.cpu().cpuid(0x80000008, 0).ecx, 0u);
  EXPECT_EQ(guest.cpu().cpuid(0x80000001, 0).ecx & (1u << 22 | 1u << 1), 0u);
}

}  // namespace
}  // namespace backplane::x86::testing
