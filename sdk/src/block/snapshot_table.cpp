// SPDX-License-Identifier: MIT
#include <fmt/chrono.h>

#include <ctime>
#include <iterator>

#include "backplane/image.h"
#include "backplane/shown.h"

namespace backplane {

namespace {

constexpr u64 kSecond = 1'000'000'000;

std::string clock_text(u64 seconds, u64 nanoseconds) {
  return fmt::format("{:04}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     nanoseconds / 1'000'000);
}

}  // namespace

std::string print_snapshots(const Value& snapshots) {
  std::string text = fmt::format("{:<9} {:<16} {:>8} {:>20} {:>14} {:>10}\n", "ID", "TAG",
                                 "VM SIZE", "DATE", "VM CLOCK", "ICOUNT");
  for (const Value& snapshot : snapshots.as_list()) {
    const auto number = [&snapshot](std::string_view field) {
      return snapshot.find(field)->as_unsigned();
    };
    const Value* const instructions = snapshot.find("icount");
    text += fmt::format(
        "{:<9} {:<16} {:>8} {:>20} {:>14} {:>10}\n", printable(snapshot.find("id")->as_string()),
        printable(snapshot.find("name")->as_string()), human_bytes(number("vm-state-size")),
        fmt::format("{:%Y-%m-%d %H:%M:%S}",
                    fmt::localtime(static_cast<std::time_t>(number("date-sec")))),
        clock_text(number("vm-clock-sec"), number("vm-clock-nsec")),
        instructions == nullptr ? "" : std::to_string(instructions->as_unsigned()));
  }
  return text;
}

Value describe_snapshots(const std::vector<Snapshot>& snapshots) {
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

std::string human_bytes(u64 bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t power = 0;
  double number = static_cast<double>(bytes);
  for (; number >= 1000 && power + 1 < std::size(kUnits); ++power) number /= 1024;
  return fmt::format("{:.3g} {}", number, kUnits[power]);
}

}  // namespace backplane
