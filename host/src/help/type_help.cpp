// SPDX-License-Identifier: MIT
#include "help/type_help.h"

#include <fmt/format.h>

#include <map>

#include "backplane/accelerator.h"
#include "backplane/machine.h"
#include "backplane/module.h"

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

std::string without_suffix(std::string name, std::string_view suffix) {
  if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  return name;
}

}  // namespace

std::string accelerator_help() {
  constexpr std::string_view kSuffix = "-accel";
  std::map<std::string, std::string> lines;
  const auto add = [&](const std::string& type, const std::string& file,
                       const std::string& problem) {
    lines.try_emplace(type, fmt::format("  {:<8} {:<18} {}\n", without_suffix(type, kSuffix), file,
                                        problem.empty() ? "usable" : "not usable: " + problem));
  };
  const ModuleIndex& index = ModuleIndex::instance();
  for (const Listing& listing : index.list_types("accel"))
    if (!listing.abstract) add(listing.name, file_of(listing.module), accelerator_problem(listing));
  // A file too damaged to say what it has.
  for (const KnownModule& known : known_modules())
    for (const std::string& type : known.types)
      if (const ModuleRecord* module = index.provider_of(type);
          module != nullptr && module->types.empty() && type.ends_with(kSuffix))
        add(type, file_of(module), index.unavailable_reason(*module));
  std::string text;
  for (const auto& [type, line] : lines) text += line;
  return text.empty() ? "no accelerators are installed\n" : "installed accelerators:\n" + text;
}

std::string machine_help() {
  std::string text;
  for (const Listing& listing : ModuleIndex::instance().list_types("machine")) {
    if (listing.abstract) continue;
    text +=
        fmt::format("  {:<16} {}", without_suffix(listing.name, "-machine"), listing.description);
    if (!listing.unavailable.empty()) text += fmt::format(" (not usable: {})", listing.unavailable);
    text += "\n";
  }
  return text.empty() ? "no machines are installed\n" : "machines:\n" + text;
}

std::string backend_help(const Kind& kind) {
  std::string text;
  for (const CatalogueEntry& entry : catalogue(kind)) {
    text += fmt::format("  {:<16} {}", entry.name, entry.type.description);
    if (entry.type.module != nullptr) text += fmt::format(" [{}]", entry.type.module->name);
    if (!entry.type.unavailable.empty())
      text += fmt::format(" (not usable: {})", entry.type.unavailable);
    text += "\n";
  }
  return text.empty() ? fmt::format("no {}s are installed\n", kind.noun)
                      : fmt::format("{}s:\n{}", kind.noun, text);
}

std::vector<CpuModel> cpu_models() {
  const auto listings = ModuleIndex::instance().list_types("cpu");
  // The architecture's type is the one right below "cpu".
  const auto suffix_of = [&](const Listing& model) {
    const Listing* type = &model;
    for (bool found = true; found && type->parent != "cpu";) {
      found = false;
      for (const Listing& parent : listings)
        if (parent.name == type->parent) {
          type = &parent;
          found = true;
          break;
        }
    }
    return "-" + type->name;
  };
  std::vector<CpuModel> models;
  for (const Listing& listing : listings) {
    if (listing.abstract || listing.name == "cpu") continue;
    models.push_back({without_suffix(listing.name, suffix_of(listing)), listing.name,
                      listing.description, listing.unavailable});
  }
  return models;
}

std::string cpu_help() {
  std::string text;
  for (const CpuModel& model : cpu_models()) {
    text += fmt::format("  {:<16} {}", model.name, model.description);
    if (!model.unavailable.empty()) text += fmt::format(" (not usable: {})", model.unavailable);
    text += "\n";
  }
  return text.empty() ? "no CPU models are installed\n" : "CPU models:\n" + text;
}

}  // namespace backplane::host
