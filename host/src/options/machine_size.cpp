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

constexpr std::string_view kTopology[] = {"sockets", "dies", "clusters", "cores", "threads"};
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

unsigned parse_smp(KeyValueList values, unsigned max_cpus, std::string_view machine) {
  u64 product = 1;
  bool all_given = true;
  std::vector<std::string> factors;
  for (const std::string_view level : kTopology) {
    if (!values.has(level)) {
      // A level that is rarely named counts as one; the others are derived from the rest.
      if (level != "dies" && level != "clusters") all_given = false;
      continue;
    }
    const unsigned number = take_number(values, level, 1, kMaxTopologyNumber, 1);
    product = std::min<u64>(product * number, std::numeric_limits<u32>::max());
    factors.push_back(fmt::format("{}={}", level, number));
  }
  const auto derived = static_cast<unsigned>(product);
  const unsigned cpus = take_number(values, "cpus", 1, kMaxTopologyNumber, derived);
  const unsigned total = take_number(values, "maxcpus", 1, kMaxTopologyNumber, cpus);
  values.expect_empty("clusters, cores, cpus, dies, maxcpus, sockets, threads");
  if (total != cpus)
    throw Error::of("maxcpus={} differs from cpus={}: CPUs cannot be added while it runs", total,
                    cpus);
  if (!factors.empty() && (all_given ? product != total : total % product != 0))
    throw Error::of("{} do not multiply to {} CPUs", fmt::join(factors, ", "), total);
  if (cpus > max_cpus)
    throw Error::of("{} CPUs: machine {} has at most {}", cpus, machine, max_cpus);
  return cpus;
}

}  // namespace backplane::host
