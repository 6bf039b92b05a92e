// SPDX-License-Identifier: MIT
// APIC ids: a bit field for each level of the topology, as wide as its numbers need. Where a count
// is no power of two, ids are left out. [SDM 3A "Hierarchical Mapping of Shared Resources"]
#pragma once

#include <bit>

#include "backplane/cpu_topology.h"
#include "backplane/types.h"
#include "backplane/x86/version.h"

namespace backplane::x86 {

class ApicIds {
 public:
  explicit ApicIds(const CpuTopology& topology) : topology_(topology) {}

  // Where the fields begin: how far an id is shifted right to leave the number of a core, of a die,
  // of a package.
  unsigned core_shift() const { return width(topology_.threads); }
  unsigned die_shift() const { return core_shift() + width(topology_.cores); }
  unsigned package_shift() const { return die_shift() + width(topology_.dies); }

  // The id of a CPU by its number in the machine.
  u32 of(unsigned index) const {
    const u32 thread = take(index, topology_.threads), core = take(index, topology_.cores),
              die = take(index, topology_.dies);
    return index << package_shift() | die << die_shift() | core << core_shift() | thread;
  }
  u32 highest() const { return of(topology_.cpus() - 1); }

  const CpuTopology& topology() const { return topology_; }

 private:
  static unsigned width(unsigned count) { return static_cast<unsigned>(std::bit_width(count - 1)); }
  // The number within a level; leaves that of the levels above.
  static u32 take(unsigned& index, unsigned count) {
    const u32 number = index % count;
    index /= count;
    return number;
  }

  CpuTopology topology_;
};

}  // namespace backplane::x86
