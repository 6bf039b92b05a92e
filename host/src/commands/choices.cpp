// SPDX-License-Identifier: MIT
#include "commands/choices.h"

#include "backplane/backend.h"
#include "backplane/command.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/module.h"
#include "backplane/trace.h"

namespace backplane::host {

namespace {

void add_paths(const Object& object, std::vector<std::string>& paths) {
  paths.push_back(object.path());
  for (const auto& child : object.children()) add_paths(*child, paths);
}

}  // namespace

std::vector<std::string> device_ids(Machine& machine) {
  std::vector<std::string> ids;
  for (const Device* const device : objects_offering<Device>(machine))
    if (!device->id().empty()) ids.push_back(device->id());
  return ids;
}

std::vector<std::string> backend_ids(Machine& machine) {
  std::vector<std::string> ids;
  if (const Object* const backends = machine.find(Backends::kPath))
    for (const auto& backend : backends->children()) ids.push_back(backend->child_name());
  return ids;
}

std::vector<std::string> object_paths(Machine& machine) {
  std::vector<std::string> paths;
  add_paths(*machine.find("/"), paths);
  return paths;
}

std::vector<std::string> type_names(Machine&) {
  std::vector<std::string> names;
  for (const ModuleIndex::TypeListing& type : ModuleIndex::instance().list_types(Object::kTypeName))
    names.push_back(type.name);
  return names;
}

std::vector<std::string> log_items(Machine&) {
  std::vector<std::string> names{"none", "trace:"};
  for (const LogCategoryInfo& info : log::categories()) names.emplace_back(info.name);
  return names;
}

std::vector<std::string> traced_names(Machine&) {
  std::vector<std::string> names;
  for (const TracePoints::State& point : TracePoints::list("*"))
    // A word of the monitor ends at a blank.
    if (point.name.find(' ') == std::string::npos) names.push_back(point.name);
  return names;
}

}  // namespace backplane::host
