// SPDX-License-Identifier: MIT
#include "help/listings.h"

#include <map>

#include "backplane/accelerator.h"
#include "backplane/catalogue.h"

namespace backplane::host {

namespace {

using Listing = ModuleIndex::TypeListing;

constexpr TypeMember kAcceleratorMembers[] = {
    {"name", &kText},      {"module", &kText},       {"version", &kText},
    {"package", &kText},   {"state", &kText},        {"file", &kText},
    {"usable", &kBoolean}, {"reason", &kText, true}, {"remark", &kText, true}};
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

// Of which module something is, none of what is linked into the program.
void add_origin(Value::Record& record, const ModuleRecord* module) {
  static const ModuleRecord own{.state = ModuleState::Builtin};
  const ModuleRecord& of = module != nullptr ? *module : own;
  record.push_back({"module", of.name});
  record.push_back({"version", of.version});
  record.push_back({"package", of.package});
  record.push_back({"state", to_string(of.state)});
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
  } catch (...) {
    problem = current_exception_text();
  }
  add_usability(record, problem);
  if (!remark.empty()) record.push_back({"remark", remark});
}

}  // namespace

const ValueType kAcceleratorListing = record_of(kAcceleratorListingMembers);
const ValueType kModuleListing = record_of(kModuleListingMembers);

Value list_accelerators() {
  std::map<std::string, Value::Record> found;
  const auto add = [&](const std::string& name, const ModuleRecord* module, const auto& usability) {
    Value::Record record{{"name", name}};
    add_origin(record, module);
    record.push_back({"file", module != nullptr ? module->path.string() : ""});
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
  return Value::Record{{"accelerators", std::move(list)}};
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
  return Value::Record{{"modules", std::move(list)}, {"searched", std::move(searched)}};
}

Value list_kinds(std::span<const Kind> kinds) {
  Value::List list;
  for (const Kind& kind : kinds)
    for (const CatalogueEntry& entry : catalogue(kind)) {
      Value::Record record{{"name", entry.name}, {"description", entry.type.description}};
      add_origin(record, entry.type.module);
      add_usability(record, entry.type.unavailable);
      list.push_back(std::move(record));
    }
  return Value::Record{{"types", std::move(list)}};
}

Value list_properties(const ObjectClass& type) {
  Value::List list;
  for (const PropertyDescription& property : describe_properties(type)) {
    Value::Record record{{"name", property.name},
                         {"type", property.type_name},
                         {"description", property.description},
                         {"read-only", property.read_only}};
    if (!property.read_only && !property.default_value.is_null())
      record.push_back({"default", property.default_value});
    list.push_back(std::move(record));
  }
  Value::Record record{{"type", type.name}};
  add_origin(record, ModuleIndex::instance().provider_of(type.name));
  record.push_back({"properties", std::move(list)});
  return record;
}

Value with_digest(const Value& listing) {
  Value::Record record = listing.as_record();
  record.push_back({"digest", ModuleIndex::instance().digest()});
  return record;
}

}  // namespace backplane::host
