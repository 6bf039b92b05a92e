// SPDX-License-Identifier: MIT
#include "arguments.h"
#include "backplane/error.h"
#include "backplane/json.h"
#include "backplane/log.h"
#include "commands.h"
#include "images.h"

namespace backplane::img {

namespace {

enum Status { kSound = 0, kCorruptions = 2, kLeaks = 3, kNothingToCheck = 63 };

Value value_of(const CheckReport& report, const std::string& path, const std::string& format) {
  Value::Record record{{"filename", path},
                       {"format", format},
                       {"check-errors", 0},
                       {"image-end-offset", report.end},
                       {"total-clusters", report.clusters},
                       {"allocated-clusters", report.allocated},
                       {"fragmented-clusters", report.fragmented},
                       {"compressed-clusters", report.compressed}};
  const auto add = [&record](const char* name, u64 count) {
    if (count != 0) record.push_back({name, count});
  };
  add("corruptions", report.corruptions);
  add("leaks", report.leaks);
  add("corruptions-fixed", report.corruptions_fixed);
  add("leaks-fixed", report.leaks_fixed);
  return record;
}

double percent(u64 part, u64 whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void print(const CheckReport& report, bool quiet) {
  for (const std::string& finding : report.findings) fmt::print("{}\n", finding);
  if (report.corruptions_fixed + report.leaks_fixed != 0)
    fmt::print(
        "The following inconsistencies were found and repaired:\n\n"
        "    {} leaked clusters\n    {} corruptions\n\n",
        report.leaks_fixed, report.corruptions_fixed);
  if (report.corruptions != 0)
    fmt::print(
        "\n{} errors were found on the image.\nData may be corrupted, or further writes to "
        "the image may corrupt it.\n",
        report.corruptions);
  if (report.leaks != 0)
    fmt::print(
        "\n{} leaked clusters were found on the image.\nThis means waste of disk space, but "
        "no harm to data.\n",
        report.leaks);
  if (quiet) return;
  if (report.corruptions + report.leaks == 0) fmt::print("No errors were found on the image.\n");
  fmt::print("{}/{} = {:.2f}% allocated, {:.2f}% fragmented, {:.2f}% compressed clusters\n",
             report.allocated, report.clusters, percent(report.allocated, report.clusters),
             percent(report.fragmented, report.allocated),
             percent(report.compressed, report.allocated));
  fmt::print("Image end offset: {}\n", report.end);
}

}  // namespace

int check(const Words& words) {
  const Arguments arguments(words, {{'f', "", true},
                                    {'r', "repair", true},
                                    {'q', "quiet", false},
                                    {'U', "force-share", false},
                                    {0, "output", true}});
  arguments.expect_files(1, 1, "one file");
  const bool json = arguments.wants_json();
  Repair repair = Repair::Nothing;
  if (const auto what = arguments.value("r")) {
    if (*what != "leaks" && *what != "all") throw Error::of("-r {}: expects leaks or all", *what);
    repair = *what == "all" ? Repair::All : Repair::Leaks;
  }
  const std::string& path = arguments.files().front();
  const bool shared = arguments.has("U");
  Images images;
  const std::string format_name = arguments.value("f").value_or(images.probe(path, shared));
  const auto file =
      images.open_file(path, {.for_writing = repair != Repair::Nothing, .shared = shared});
  const auto report = create_image_format(format_name)->check(file->node(), repair);
  if (!report) {
    log::report(
        fmt::format("{} is {}, in which there is nothing to be checked", shown(path), format_name));
    return kNothingToCheck;
  }
  file->finish();
  if (json)
    fmt::print("{}\n", to_json(value_of(*report, path, format_name)));
  else
    print(*report, arguments.has("q"));
  if (report->corruptions != 0) return kCorruptions;
  return report->leaks != 0 ? kLeaks : kSound;
}

}  // namespace backplane::img
