// SPDX-License-Identifier: MIT
#include "options/accepted_options.h"

#include <algorithm>

#include "report.h"

namespace backplane::host {

namespace {

// A value that is so; another one is refused with the reason.
struct Fact {
  std::string_view option;
  std::string_view key;
  std::string_view value;
  std::string_view otherwise;
};

constexpr Fact kFacts[] = {
    {"overcommit", "mem-lock", "off", "the guest's memory is not locked into the host's"},
    {"overcommit", "cpu-pm", "off", "the host's processors are not the guest's to put to sleep"},
    {"rtc", "clock", "host", "the real-time clock follows the host's"},
    {"rtc", "driftfix", "none",
     "interrupts of the real-time clock that were late are not repeated"},
    {"boot", "strict", "on", "nothing is booted that was not asked for"},
    {"boot", "menu", "off", "there is no boot menu"},
    {"boot", "reboot-timeout", "-1", "firmware that finds nothing to boot waits"},
    {"audiodev", "driver", "none", "there is no sound"},
};

constexpr Fact kMachineFacts[] = {
    {"machine", "usb", "off", {}},    {"machine", "graphics", "off", {}},
    {"machine", "vmport", "off", {}}, {"machine", "mem-merge", "off", {}},
    {"machine", "acpi", "on", {}},    {"machine", "smm", "off", {}},
    {"machine", "nvdimm", "off", {}}, {"machine", "hmat", "off", {}},
};

// A boolean may be spelled in several ways.
bool is_same(std::string_view value, std::string_view fact) {
  if (value == fact) return true;
  if (fact != "on" && fact != "off") return false;
  try {
    return PropertyTraits<bool>::parse(value) == (fact == "on");
  } catch (const Error&) {
    return false;
  }
}

// The board's to set.
void check_date(const std::string& base) {
  const bool is_number = !base.empty() && base.find_first_not_of("0123456789") == std::string::npos;
  if (base != "utc" && !is_number)
    throw Error::of("base={}: expects utc, or seconds since 1970", base);
}

void check(const GivenOption& option) {
  KeyValueList values = option.list();
  with_option(option.text, [&] {
    std::string known;
    for (const Fact& fact : kFacts) {
      if (fact.option != option.name()) continue;
      known += fmt::format("{}{}", known.empty() ? "" : ", ", fact.key);
      const auto value = values.take(fact.key);
      if (value && !is_same(*value, fact.value))
        throw Error::of("{}={}: {}: expects {}", fact.key, *value, fact.otherwise, fact.value);
    }
    if (option.name() == "rtc") check_date(values.take("base").value_or("utc"));
    if (option.name() == "audiodev") values.take("id");
    values.expect_empty(known);
  });
}

}  // namespace

void check_accepted_options(const CommandLine& line) {
  for (const std::string_view name : {"overcommit", "rtc", "boot", "audiodev"})
    for (const GivenOption* const option : line.group(name)) check(*option);
}

bool is_so_of_machines(std::string_view key, std::string_view value) {
  return std::any_of(std::begin(kMachineFacts), std::end(kMachineFacts), [&](const Fact& fact) {
    return fact.key == key && is_same(value, fact.value);
  });
}

}  // namespace backplane::host
