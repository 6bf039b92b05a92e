// SPDX-License-Identifier: MIT
#include "options/machine_size.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <vector>

#include "options/values.h"

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

// The power of two that a suffix stands for, or -1.
int suffix_shift(std::string_view suffix) {
  if (suffix.empty()) return 20;
  if (suffix.size() > 1) return -1;
  switch (suffix[0] | 0x20) {
    case 'b':
      return 0;
    case 'k':
      return 10;
    case 'm':
      return 20;
    case 'g':
      return 30;
    case 't':
      return 40;
    default:
      return -1;
  }
}

}  // namespace

u64 parse_memory_size(std::string_view text) {
  constexpr u64 kLimit = 1ULL << 46;
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  const int shift = suffix_shift({stop, static_cast<std::size_t>(end - stop)});
  if (problem != std::errc{} || shift < 0 || !(number >= 0))
    throw Error::of("'{}' is not a size: expects a number of MiB, or one with suffix K, M, G or T",
                    text);
  const double bytes = number * static_cast<double>(u64{1} << shift);
  if (bytes > static_cast<double>(kLimit))
    throw Error::of("{} of memory is more than any machine has: at most 64T", text);
  // In whole pages, as RAM is mapped.
  const u64 rounded = (static_cast<u64>(bytes) + 4095) & ~u64{4095};
  if (rounded == 0) throw Error::of("'{}' is no memory: expects at least one page (4K)", text);
  return rounded;
}

u64 parse_memory(KeyValueList values) {
  const auto size = values.take("size");
  values.expect_empty("size");
  if (!size) throw Error("size is missing: expects a number of MiB, such as 512, or 1G");
  return parse_memory_size(*size);
}

CpuTopology parse_smp(KeyValueList values, unsigned max_cpus, std::string_view machine) {
  CpuTopology topology;
  u64 product = 1;
  std::vector<std::string> factors;
  const bool has_cores = values.has("cores"), has_sockets = values.has("sockets"),
             has_threads = values.has("threads");
  for (const auto& [name, member] : kLevels) {
    if (!values.has(name)) continue;
    topology.*member = take_number(values, name, 1, kMaxTopologyNumber, 1);
    product = std::min<u64>(product * topology.*member, std::numeric_limits<u32>::max());
    factors.push_back(fmt::format("{}={}", name, topology.*member));
  }
  if (const unsigned clusters = take_number(values, "clusters", 1, kMaxTopologyNumber, 1);
      clusters != 1)
    throw Error::of("clusters={}: there are no clusters between dies and cores", clusters)
        .with_hint("leave clusters out");
  const bool has_cpus = values.has("cpus");
  const unsigned cpus =
      take_number(values, "cpus", 1, kMaxTopologyNumber, static_cast<unsigned>(product));
  const unsigned total = take_number(values, "maxcpus", 1, kMaxTopologyNumber, cpus);
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
