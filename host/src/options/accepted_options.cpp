// SPDX-License-Identifier: MIT
#include "options/accepted_options.h"

#include <algorithm>
#include <span>

#include "options/configuration.h"
#include "report.h"

namespace backplane::host {

namespace {

// A value that is so; another one is refused with the reason.
struct Fact {
  std::string_view key;
  std::string_view value;
  std::string_view otherwise;
};

constexpr Fact kOvercommitFacts[] = {
    {"mem-lock", "off", "the guest's memory is not locked into the host's"},
    {"cpu-pm", "off", "the host's processors are not the guest's to put to sleep"}};
constexpr Fact kRtcFacts[] = {
    {"driftfix", "none", "interrupts of the real-time clock that were late are not repeated"}};
constexpr Fact kAudiodevFacts[] = {{"driver", "none", "there is no sound"}};

constexpr Fact kMachineFacts[] = {
    {"usb", "off", {}}, {"graphics", "off", {}}, {"vmport", "off", {}}, {"mem-merge", "off", {}},
    {"acpi", "on", {}}, {"smm", "off", {}},      {"nvdimm", "off", {}}, {"hmat", "off", {}}};

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

// Takes what may be said of them; what is left over is checked by expect_empty().
std::string take_facts(KeyValueList& values, std::span<const Fact> facts) {
  std::string known;
  for (const Fact& fact : facts) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", fact.key);
    const auto value = values.take(fact.key);
    if (value && !is_same(*value, fact.value))
      throw Error::of("{}={}: {}: expects {}", fact.key, *value, fact.otherwise, fact.value);
  }
  return known;
}

void accept(const GivenOption& option, std::span<const Fact> facts) {
  with_values(option, [&](KeyValueList values) {
    const std::string known = take_facts(values, facts);
    values.expect_empty(known);
  });
}

}  // namespace

void accept_overcommit(Configuration&, const GivenOption& option) {
  accept(option, kOvercommitFacts);
}

void accept_audiodev(Configuration&, const GivenOption& option) {
  with_values(option, [](KeyValueList values) {
    const std::string known = take_facts(values, kAudiodevFacts);
    values.take("id");
    values.expect_empty(known);
  });
}

void set_rtc(Configuration& configuration, const GivenOption& option) {
  with_values(option, [&](KeyValueList values) {
    const std::string known = take_facts(values, kRtcFacts);
    const auto base = values.take("base");
    const auto clock = values.take("clock");
    values.expect_empty("base, clock, " + known);
    if (base) configuration.board["rtc-base"] = {*base, &option};
    if (clock) configuration.board["rtc-clock"] = {*clock, &option};
  });
}

bool is_so_of_machines(std::string_view key, std::string_view value) {
  return std::any_of(std::begin(kMachineFacts), std::end(kMachineFacts), [&](const Fact& fact) {
    return fact.key == key && is_same(value, fact.value);
  });
}

}  // namespace backplane::host
