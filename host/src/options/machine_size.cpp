// SPDX-License-Identifier: MIT
#include "options/machine_size.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace backplane::host {

namespace {

struct TopologyLevel {
  std::string_view name;
  unsigned CpuTopology::*member;
};
constexpr TopologyLevel kLevels[] = {{"sockets", &CpuTopology::sockets},
                                     {"dies", &CpuTopology::dies},
                                     {"cores", &CpuTopology::cores},
                                     {"threads", &CpuTopology::threads}};
// Above any machine's bound, so that the machine's own message is given.
constexpr unsigned kMaxTopologyNumber = 65535;

constexpr u64 kMostMemory = u64{1} << 46;
// RAM is mapped in whole ones.
constexpr u64 kPage = 4_KiB;

// A count of a level, or of CPUs; `otherwise` if it is not given.
unsigned take_count(KeyValueList& values, std::string_view key, unsigned otherwise) {
  return static_cast<unsigned>(values.take_number(key, 1, kMaxTopologyNumber).value_or(otherwise));
}

}  // namespace

u64 parse_memory(KeyValueList values) {
  const auto size = values.take_parsed<u64>(
      "size", [](std::string_view text) { return parse_size(text, 1_MiB); });
  values.expect_empty("size");
  if (!size) throw Error("size is missing: expects a number of MiB, such as 512, or 1G");
  if (*size > kMostMemory)
    throw Error::of("{} of memory is more than any machine has: at most {}",
                    PropertyTraits<Size>::print({*size}),
                    PropertyTraits<Size>::print({kMostMemory}));
  if (*size == 0) throw Error("a machine needs memory: expects at least one page (4K)");
  return (*size + kPage - 1) & ~(kPage - 1);
}

CpuTopology parse_smp(KeyValueList values, unsigned max_cpus, std::string_view machine) {
  CpuTopology topology;
  u64 product = 1;
  std::vector<std::string> factors;
  const bool has_cores = values.has("cores"), has_sockets = values.has("sockets"),
             has_threads = values.has("threads");
  for (const auto& [name, member] : kLevels) {
    if (!values.has(name)) continue;
    topology.*member = take_count(values, name, 1);
    product = std::min<u64>(product * topology.*member, std::numeric_limits<u32>::max());
    factors.push_back(fmt::format("{}={}", name, topology.*member));
  }
  if (const unsigned clusters = take_count(values, "clusters", 1); clusters != 1)
    throw Error::of("clusters={}: there are no clusters between dies and cores", clusters)
        .with_hint("leave clusters out");
  const bool has_cpus = values.has("cpus");
  const unsigned cpus = take_count(values, "cpus", static_cast<unsigned>(product));
  const unsigned total = take_count(values, "maxcpus", cpus);
  values.expect_empty("clusters, cores, cpus, dies, maxcpus, sockets, threads");
  if (has_cpus && total != cpus)
    throw Error::of("maxcpus={} differs from cpus={}: CPUs cannot be added while it runs", total,
                    cpus);
  unsigned CpuTopology::*const open = !has_cores     ? &CpuTopology::cores
                                      : !has_sockets ? &CpuTopology::sockets
                                      : !has_threads ? &CpuTopology::threads
                                                     : nullptr;
  if (open != nullptr ? total % product != 0 : product != total)
    throw Error::of("{} do not multiply to {} CPUs", fmt::join(factors, ", "), total);
  if (total > max_cpus)
    throw Error::of("{} CPUs: machine {} has at most {}", total, machine, max_cpus);
  if (open != nullptr) topology.*open = total / static_cast<unsigned>(product);
  return topology;
}

}  // namespace backplane::host
