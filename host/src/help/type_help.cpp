// SPDX-License-Identifier: MIT
#include "help/type_help.h"

#include <fmt/format.h>

#include <map>

#include "backplane/accelerator.h"
#include "backplane/catalogue.h"
#include "launch/cpu_model.h"

namespace backplane::host {

namespace {

using Listing = ModuleIndex::TypeListing;

std::string file_of(const ModuleRecord* module) {
  if (module == nullptr || module->path.empty()) return "(in the program)";
  return module->path.filename().string();
}

// Why an installed accelerator cannot run here, or empty. Loads it.
std::string accelerator_problem(const Listing& listing) {
  if (!listing.unavailable.empty()) return listing.unavailable;
  try {
    const auto* type = static_cast<const AccelClass*>(class_by_name(listing.name));
    if (type != nullptr && type->unavailable_reason != nullptr)
      return type->unavailable_reason().value_or("");
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

// The lines of all that there are of a kind.
std::string lines_of(const Kind& kind) {
  std::string text;
  for (const CatalogueEntry& entry : catalogue(kind)) {
    text += fmt::format("  {:<16} {}", entry.name, entry.type.description);
    if (entry.type.module != nullptr) text += fmt::format(" [{}]", entry.type.module->name);
    if (!entry.type.unavailable.empty())
      text += fmt::format(" (not usable: {})", entry.type.unavailable);
    text += "\n";
  }
  return text;
}

std::string headed(std::string_view noun, const std::string& lines) {
  return lines.empty() ? fmt::format("no {}s are installed\n", noun)
                       : fmt::format("{}s:\n{}", noun, lines);
}

}  // namespace

std::string accelerator_help() {
  std::map<std::string, std::string> lines;
  const auto add = [&](const std::string& name, const ModuleRecord* module,
                       const std::string& problem) {
    lines.try_emplace(name, fmt::format("  {:<8} {:<18} {}\n", name, file_of(module),
                                        problem.empty() ? "usable" : "not usable: " + problem));
  };
  for (const CatalogueEntry& entry : catalogue(kAccelKind))
    add(entry.name, entry.type.module, accelerator_problem(entry.type));
  // A file too damaged to say what it has.
  const ModuleIndex& index = ModuleIndex::instance();
  for (const KnownModule& known : known_modules())
    for (const std::string& type : known.types)
      if (const ModuleRecord* module = index.provider_of(type);
          module != nullptr && module->types.empty() && type.ends_with(kAccelKind.suffix))
        add(std::string(kAccelKind.user_name(type)), module, index.unavailable_reason(*module));
  std::string text;
  for (const auto& [name, line] : lines) text += line;
  return text.empty() ? "no accelerators are installed\n" : "installed accelerators:\n" + text;
}

std::string kind_help(const Kind& kind) { return headed(kind.noun, lines_of(kind)); }

std::string cpu_help() {
  std::string lines;
  const std::vector<CpuModels> architectures = cpu_models();
  for (const CpuModels& models : architectures) lines += lines_of(models.kind());
  return headed(architectures.front().kind().noun, lines);
}

}  // namespace backplane::host
