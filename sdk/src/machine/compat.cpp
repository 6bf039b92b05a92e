// SPDX-License-Identifier: MIT
// Properties that the accelerator, the board and the user give to whatever is created.
#include "backplane/machine.h"

namespace backplane {

namespace {

// False if the object is not of the row's type.
bool apply(Object& object, const CompatProperty& row, const std::string& origin) {
  if (!object.object_class().is_a(row.type)) return false;
  try {
    object.set_property(row.property, row.value);
  } catch (const Error& error) {
    throw error.in(fmt::format("{} {}.{}={}", origin, row.type, row.property, row.value));
  }
  return true;
}

void apply(Object& object, const std::vector<CompatProperty>& rows, const std::string& origin) {
  for (const CompatProperty& row : rows) apply(object, row, origin);
}

}  // namespace

void Machine::apply_compat(Object& object) {
  if (accelerator_ != nullptr)
    apply(object, accelerator_->accel_class().compat_properties,
          "default of accelerator " + accelerator_->name());
  apply(object, machine_class().compat_properties,
        fmt::format("default of machine {}", type_name()));
  for (Global& global : globals_) global.used |= apply(object, global.property, "-global");
}

void Machine::add_global(CompatProperty property) { globals_.push_back({std::move(property)}); }

std::vector<CompatProperty> Machine::unused_globals() const {
  std::vector<CompatProperty> unused;
  for (const Global& global : globals_)
    if (!global.used) unused.push_back(global.property);
  return unused;
}

}  // namespace backplane
