// SPDX-License-Identifier: MIT
#include "snapshot_table.h"

#include <fmt/chrono.h>

#include <ctime>

#include "arguments.h"

namespace backplane::img {

namespace {

constexpr u64 kSecond = 1'000'000'000;

std::string clock_text(u64 nanoseconds) {
  const u64 seconds = nanoseconds / kSecond;
  return fmt::format("{:04}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     nanoseconds % kSecond / 1'000'000);
}

}  // namespace

std::string print_snapshots(const std::vector<Snapshot>& snapshots) {
  std::string text = fmt::format("{:<9} {:<16} {:>8} {:>20} {:>14} {:>10}\n", "ID", "TAG",
                                 "VM SIZE", "DATE", "VM CLOCK", "ICOUNT");
  for (const Snapshot& snapshot : snapshots)
    text += fmt::format("{:<9} {:<16} {:>8} {:>20} {:>14} {:>10}\n", printable(snapshot.id),
                        printable(snapshot.name), human_bytes(snapshot.vm_state_size),
                        fmt::format("{:%Y-%m-%d %H:%M:%S}",
                                    fmt::localtime(static_cast<std::time_t>(snapshot.seconds))),
                        clock_text(snapshot.vm_clock),
                        snapshot.instructions ? std::to_string(*snapshot.instructions) : "");
  return text;
}

Value snapshots_value(const std::vector<Snapshot>& snapshots) {
  Value::List list;
  for (const Snapshot& snapshot : snapshots) {
    Value::Record record{{"id", snapshot.id},
                         {"name", snapshot.name},
                         {"vm-state-size", snapshot.vm_state_size},
                         {"date-sec", snapshot.seconds},
                         {"date-nsec", snapshot.nanoseconds},
                         {"vm-clock-sec", snapshot.vm_clock / kSecond},
                         {"vm-clock-nsec", snapshot.vm_clock % kSecond}};
    if (snapshot.instructions) record.push_back({"icount", *snapshot.instructions});
    list.push_back(std::move(record));
  }
  return list;
}

}  // namespace backplane::img
