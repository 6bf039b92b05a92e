// SPDX-License-Identifier: MIT
#include "launch/cpu_model.h"

#include <algorithm>

#include "backplane/cpu.h"

namespace backplane::host {

std::vector<CpuModels> cpu_models() {
  std::vector<CpuModels> models;
  for (const auto& listing : ModuleIndex::instance().list_types(Cpu::kTypeName))
    if (listing.parent == Cpu::kTypeName) models.push_back({listing.name, "-" + listing.name});
  // Where there are none, messages say so of CPUs as such.
  if (models.empty()) models.push_back({Cpu::kTypeName, {}});
  return models;
}

const ObjectClass& find_cpu_class(std::string_view model) {
  const std::vector<CpuModels> architectures = cpu_models();
  const auto has_it = [&](const CpuModels& models) {
    const std::vector<CatalogueEntry> entries = catalogue(models.kind());
    return std::any_of(entries.begin(), entries.end(),
                       [&](const CatalogueEntry& entry) { return entry.name == model; });
  };
  const auto found = std::find_if(architectures.begin(), architectures.end(), has_it);
  return class_of_kind((found == architectures.end() ? architectures.front() : *found).kind(),
                       model);
}

}  // namespace backplane::host
