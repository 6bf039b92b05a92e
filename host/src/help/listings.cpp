// SPDX-License-Identifier: MIT
#include "help/listings.h"

#include <map>

#include "backplane/accelerator.h"
#include "backplane/catalogue.h"

namespace backplane::host {

namespace {

using Listing = ModuleIndex::TypeListing;

constexpr TypeMember kAcceleratorMembers[] = {{"name", &kText},         {"module", &kText},
                                              {"file", &kText},         {"usable", &kBoolean},
                                              {"reason", &kText, true}, {"remark", &kText, true}};
constexpr ValueType kAccelerator = record_of(kAcceleratorMembers);
constexpr ValueType kAccelerators = list_of(kAccelerator);
constexpr TypeMember kAcceleratorListingMembers[] = {{"accelerators", &kAccelerators},
                                                     {"digest", &kText}};

constexpr ValueType kTexts = list_of(kText);
constexpr TypeMember kModuleMembers[] = {
    {"name", &kText},    {"version", &kText}, {"state", &kText},       {"file", &kText},
    {"package", &kText}, {"types", &kTexts},  {"reason", &kText, true}};
constexpr ValueType kModule = record_of(kModuleMembers);
constexpr ValueType kModules = list_of(kModule);
constexpr TypeMember kModuleListingMembers[] = {
    {"modules", &kModules}, {"searched", &kTexts}, {"digest", &kText}};

constexpr TypeMember kEntryMembers[] = {{"name", &kText},
                                        {"description", &kText},
                                        {"module", &kText},
                                        {"usable", &kBoolean},
                                        {"reason", &kText, true}};
constexpr ValueType kEntry = record_of(kEntryMembers);

// Empty for what is linked into the program.
std::string module_of(const ModuleRecord* module) { return module != nullptr ? module->name : ""; }
std::string file_of(const ModuleRecord* module) {
  return module != nullptr ? module->path.string() : "";
}

void add_usability(Value::Record& record, const std::string& problem) {
  record.push_back({"usable", problem.empty()});
  if (!problem.empty()) record.push_back({"reason", problem});
}

// Whether an installed accelerator can run here. Loads it.
void add_usability(Value::Record& record, const Listing& listing) {
  if (!listing.unavailable.empty()) return add_usability(record, listing.unavailable);
  std::string problem, remark;
  try {
    if (const auto* type = static_cast<const AccelClass*>(class_by_name(listing.name))) {
      if (type->unavailable_reason != nullptr) problem = type->unavailable_reason().value_or("");
      if (problem.empty() && type->remark != nullptr) remark = type->remark();
    }
  } catch (const Error& error) {
    problem = error.what();
  }
  add_usability(record, problem);
  if (!remark.empty()) record.push_back({"remark", remark});
}

}  // namespace

const ValueType kAcceleratorListing = record_of(kAcceleratorListingMembers);
const ValueType kModuleListing = record_of(kModuleListingMembers);
const ValueType kKindListing = list_of(kEntry);

Value list_accelerators() {
  std::map<std::string, Value::Record> found;
  const auto add = [&](const std::string& name, const ModuleRecord* module, const auto& usability) {
    Value::Record record{{"name", name}, {"module", module_of(module)}, {"file", file_of(module)}};
    add_usability(record, usability);
    found.try_emplace(name, std::move(record));
  };
  for (const CatalogueEntry& entry : catalogue(kAccelKind))
    add(entry.name, entry.type.module, entry.type);
  // A file too damaged to say what it has.
  const ModuleIndex& index = ModuleIndex::instance();
  for (const KnownModule& known : known_modules())
    for (const std::string& type : known.types)
      if (const ModuleRecord* module = index.provider_of(type);
          module != nullptr && module->types.empty() && type.ends_with(kAccelKind.suffix))
        add(std::string(kAccelKind.user_name(type)), module, index.unavailable_reason(*module));
  Value::List list;
  for (auto& [name, record] : found) list.push_back(std::move(record));
  return Value::Record{{"accelerators", std::move(list)}, {"digest", index.digest()}};
}

Value list_modules() {
  ModuleIndex& index = ModuleIndex::instance();
  index.scan();
  Value::List list;
  for (const ModuleRecord& module : index.records()) {
    Value::List types;
    for (const ModuleRecord::Type& type : module.types) types.push_back(type.name);
    // A file that could not be read has no name of its own.
    Value::Record record{{"name", module.name.empty() ? module.path.stem().string() : module.name},
                         {"version", module.version},
                         {"state", to_string(module.state)},
                         {"file", module.path.string()},
                         {"package", module.package},
                         {"types", std::move(types)}};
    const std::string reason =
        module.reason.empty() ? index.unavailable_reason(module) : module.reason;
    if (!reason.empty()) record.push_back({"reason", reason});
    list.push_back(std::move(record));
  }
  Value::List searched;
  for (const auto& directory : index.search_path()) searched.push_back(directory.string());
  return Value::Record{
      {"modules", std::move(list)}, {"searched", std::move(searched)}, {"digest", index.digest()}};
}

Value list_kind(const Kind& kind) {
  Value::List list;
  for (const CatalogueEntry& entry : catalogue(kind)) {
    Value::Record record{{"name", entry.name},
                         {"description", entry.type.description},
                         {"module", module_of(entry.type.module)}};
    add_usability(record, entry.type.unavailable);
    list.push_back(std::move(record));
  }
  return list;
}

}  // namespace backplane::host
