// SPDX-License-Identifier: MIT
#include "help/packages.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "backplane/module.h"

namespace backplane::host {

namespace {

bool is_of_kind(const Kind& kind, std::string_view type) {
  const std::string_view name = kind.user_name(type);
  return name != type && name != kAcceleratorForTests;
}

}  // namespace

std::vector<std::string> packages_of_kind(const Kind& kind, Having which) {
  const ModuleIndex& index = ModuleIndex::instance();
  std::vector<std::string> packages;
  for (const KnownModule& known : known_modules()) {
    const bool wanted = std::ranges::any_of(known.types, [&](const std::string& type) {
      return is_of_kind(kind, type) &&
             (which == Having::Known || index.provider_of(type) == nullptr);
    });
    if (wanted && std::ranges::find(packages, known.package) == packages.end())
      packages.push_back(known.package);
  }
  return packages;
}

std::string install_one_of(const std::vector<std::string>& packages) {
  if (packages.empty()) return {};
  return fmt::format("install {} {}", packages.size() == 1 ? "the package" : "one of the packages",
                     fmt::join(packages, ", "));
}

}  // namespace backplane::host
