// SPDX-License-Identifier: MIT
#include "accelerator/plan.h"

#include "report.h"

namespace backplane::host {

namespace {

AccelCandidate candidate_of(const GivenOption& option) {
  return with_values(option, [&](KeyValueList values) {
    AccelCandidate candidate;
    candidate.given = option.text;
    candidate.name = values.take("accel").value_or("");
    if (candidate.name.empty())
      throw Error("the name of an accelerator is missing: -accel help lists those installed");
    candidate.required = values.take_as<bool>("required").value_or(candidate.required);
    candidate.properties = values.pairs();
    return candidate;
  });
}

// What was tried once with the same properties ends the same way a second time.
void add_new(std::vector<AccelCandidate>& candidates, AccelCandidate candidate) {
  for (const AccelCandidate& known : candidates)
    if (known.name == candidate.name && known.properties == candidate.properties &&
        known.required == candidate.required)
      return;
  candidates.push_back(std::move(candidate));
}

std::vector<AccelCandidate> candidates_of(const MachineOptions::Accelerators& list) {
  std::vector<AccelCandidate> candidates;
  std::string_view rest = list.names;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string_view name = rest.substr(0, colon);
    if (!name.empty()) add_new(candidates, {std::string(name), {}, false, list.given});
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  if (candidates.empty()) throw Error("no accelerator found").in(list.given);
  return candidates;
}

// Options that set a property of the accelerator that translates.
struct TranslatorOption {
  const char* option;
  const char* property;
};
constexpr TranslatorOption kTranslatorOptions[] = {{"perfmap", "perf-map"},
                                                   {"jitdump", "jit-dump"}};
constexpr const char* kTranslator = "tcg";

std::vector<AccelCandidate> named_accelerators(
    const CommandLine& line, const MachineOptions& machine, std::string_view program_name,
    const std::function<bool(const std::string&)>& installed) {
  const auto options = line.group("accel");
  if (!options.empty() && machine.accelerators)
    throw Error("The -accel and \"-machine accel=\" options are incompatible");
  std::vector<AccelCandidate> candidates;
  if (!options.empty()) {
    for (const GivenOption* option : options) add_new(candidates, candidate_of(*option));
    return candidates;
  }
  if (machine.accelerators) return candidates_of(*machine.accelerators);

  const bool prefers_kvm = program_name.ends_with("kvm");
  for (const char* name : {prefers_kvm ? "kvm" : "tcg", prefers_kvm ? "tcg" : "kvm"})
    if (installed(name)) candidates.push_back({name, {}, false, {}});
  return candidates;
}

}  // namespace

std::vector<AccelCandidate> plan_accelerators(
    const CommandLine& line, const MachineOptions& machine, std::string_view program_name,
    const std::function<bool(const std::string&)>& installed) {
  auto candidates = named_accelerators(line, machine, program_name, installed);
  for (const auto& [option, property] : kTranslatorOptions) {
    const GivenOption* const given = line.last(option);
    if (given == nullptr) continue;
    bool used = false;
    for (AccelCandidate& candidate : candidates) {
      if (candidate.name != kTranslator) continue;
      candidate.properties.emplace_back(property, "on");
      used = true;
    }
    if (!used) throw given->error("only -accel {} makes code of its own", kTranslator);
  }
  return candidates;
}

}  // namespace backplane::host
