// SPDX-License-Identifier: MIT
#include "accelerator/plan.h"

#include "options/configuration.h"
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

constexpr const char* kTranslator = "tcg";

std::vector<AccelCandidate> named_accelerators(
    const Configuration& asked, std::string_view program_name,
    const std::function<bool(const std::string&)>& installed) {
  const auto& of_machine = asked.machine.accelerators;
  if (!asked.accelerators.named.empty() && of_machine)
    throw Error("The -accel and \"-machine accel=\" options are incompatible");
  if (!asked.accelerators.named.empty()) return asked.accelerators.named;
  if (of_machine) return candidates_of(*of_machine);

  std::vector<AccelCandidate> candidates;
  const bool prefers_kvm = program_name.ends_with("kvm");
  for (const char* name : {prefers_kvm ? "kvm" : "tcg", prefers_kvm ? "tcg" : "kvm"})
    if (installed(name)) candidates.push_back({name, {}, false, {}});
  return candidates;
}

}  // namespace

void add_accelerator(Configuration& configuration, const GivenOption& option) {
  add_new(configuration.accelerators.named, candidate_of(option));
}

void set_of_translator(Configuration& configuration, const GivenOption& option,
                       std::string_view property) {
  configuration.accelerators.of_translator.push_back({std::string(property), &option});
}

std::vector<AccelCandidate> plan_accelerators(
    const Configuration& asked, std::string_view program_name,
    const std::function<bool(const std::string&)>& installed) {
  auto candidates = named_accelerators(asked, program_name, installed);
  for (const auto& [property, given] : asked.accelerators.of_translator) {
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
