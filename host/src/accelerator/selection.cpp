// SPDX-License-Identifier: MIT
#include "accelerator/selection.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "backplane/accelerator.h"
#include "backplane/catalogue.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "help/packages.h"
#include "report.h"

namespace backplane::host {

namespace {

const std::string kNoSuchFile = std::generic_category().message(ENOENT);

// The class of a candidate; null if there is none or it cannot be loaded, which was reported.
const AccelClass* find_class(const AccelCandidate& candidate) {
  try {
    return &accel_find(candidate.name);
  } catch (const Error& error) {
    report(candidate.given, error);
    return nullptr;
  }
}

std::unique_ptr<Accelerator> create(const AccelCandidate& candidate, const AccelClass& type) {
  auto accelerator = create_object<Accelerator>(type.name);
  for (const auto& [key, value] : candidate.properties) accelerator->set_property(key, value);
  return accelerator;
}

void report_failure(const AccelCandidate& candidate, const Error& error, Fallback fallback) {
  if (error.system_text().empty()) {
    report(candidate.given,
           fmt::format("failed to initialize {}: {}", candidate.name, error.line()));
  } else if (fallback == Fallback::Reported || error.system_text() != kNoSuchFile) {
    report(candidate.given, error);
    report(candidate.given,
           fmt::format("failed to initialize {}: {}", candidate.name, error.system_text()));
  }
}

std::optional<std::string> why_unavailable(const AccelClass& type) {
  if (type.unavailable_reason == nullptr) return std::nullopt;
  try {
    return type.unavailable_reason();
  } catch (...) {
    return current_exception_text();
  }
}

// What an accelerator says of itself before there is one, as the error that would follow.
Error unavailability(const std::string& reason) {
  for (const int error : {ENOENT, EACCES, EPERM, ENODEV, ENXIO, EBUSY}) {
    const std::string end = ": " + std::generic_category().message(error);
    if (reason.ends_with(end))
      return Error::system(reason.substr(0, reason.size() - end.size()), error);
  }
  return Error(reason).as_system(ENOSYS);
}

// Hands the accelerator to the machine. False if it cannot run here, which was reported.
bool initialize(Machine& machine, const AccelCandidate& candidate,
                std::unique_ptr<Accelerator> accelerator, Fallback fallback) {
  try {
    machine.set_accelerator(std::move(accelerator));
    return true;
  } catch (const Error& error) {
    report_failure(candidate, error, fallback);
  } catch (...) {
    report(candidate.given,
           fmt::format("failed to initialize {}: {}", candidate.name, current_exception_text()));
  }
  return false;
}

bool try_candidate(Machine& machine, const AccelCandidate& candidate,
                   const std::optional<InstructionCounting>& icount, Fallback fallback) {
  const AccelClass* type = find_class(candidate);
  if (type == nullptr) return false;
  auto accelerator = with_option(candidate.given, [&] { return create(candidate, *type); });
  if (icount) with_option(icount->given, [&] { accelerator->count_instructions(icount->options); });
  // A property may be what makes it available: another library, another device.
  if (candidate.properties.empty())
    if (const auto reason = why_unavailable(*type)) {
      report_failure(candidate, unavailability(*reason), fallback);
      return false;
    }
  return initialize(machine, candidate, std::move(accelerator), fallback);
}

void warn_of_unused(const std::vector<AccelCandidate>& candidates, std::size_t first,
                    const std::string& running) {
  for (std::size_t i = first; i < candidates.size(); ++i)
    if (!accelerator_installed(candidates[i].name))
      log::warn(fmt::format("{}: invalid accelerator {}; not needed, as {} runs",
                            candidates[i].given, candidates[i].name, running));
}

}  // namespace

bool accelerator_installed(const std::string& name) {
  const std::string type = kAccelKind.type_name(name);
  return TypeRegistry::instance().has(type) || ModuleIndex::instance().provider_of(type) != nullptr;
}

std::string installed_accelerators(const std::vector<AccelCandidate>& tried) {
  std::vector<std::string> names;
  for (const CatalogueEntry& entry : catalogue(kAccelKind))
    if (entry.type.unavailable.empty() && entry.name != kAcceleratorForTests)
      names.push_back(entry.name);
  if (names.empty()) {
    const std::string install = install_one_of(packages_of_kind(kAccelKind, Having::Known));
    return "no usable accelerator is installed: " +
           (install.empty()
                ? "install a module that has one, or name its directory with -module-path"
                : install);
  }
  const bool another_is_there = std::ranges::any_of(names, [&](const std::string& name) {
    return std::ranges::find(tried, name, &AccelCandidate::name) == tried.end();
  });
  std::string text = fmt::format("installed accelerators: {}", fmt::join(names, ", "));
  if (another_is_there) return text;
  const std::string install = install_one_of(packages_of_kind(kAccelKind, Having::Missing));
  return install.empty() ? text : fmt::format("{}; {} for another", text, install);
}

void select_accelerator(Machine& machine, const std::vector<AccelCandidate>& candidates,
                        const std::optional<InstructionCounting>& icount, Fallback fallback) {
  if (candidates.empty())
    report({}, "No accelerator selected and no default accelerator available");
  bool failed = false;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const AccelCandidate& candidate = candidates[i];
    if (!try_candidate(machine, candidate, icount, fallback)) {
      if (candidate.required) break;
      failed = true;
      continue;
    }
    if (failed && fallback == Fallback::Reported) report({}, "falling back to " + candidate.name);
    warn_of_unused(candidates, i + 1, candidate.name);
    log::print(LogCategory::Accel, "accelerator: {}", candidate.name);
    return;
  }
  report({}, installed_accelerators(candidates));
  throw ReportedFailure();
}

}  // namespace backplane::host
