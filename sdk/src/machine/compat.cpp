// SPDX-License-Identifier: MIT
// Properties that the accelerator, the board and the user give to whatever is created.
#include "backplane/machine.h"

namespace backplane {

namespace {

void apply(Object& object, const std::vector<CompatProperty>& rows, const std::string& origin) {
  for (const CompatProperty& row : rows) {
    if (!object.object_class().is_a(row.type)) continue;
    try {
      object.set_property(row.property, row.value);
    } catch (const Error& error) {
      throw error.in(fmt::format("{} {}.{}={}", origin, row.type, row.property, row.value));
    }
  }
}

}  // namespace

void Machine::apply_compat(Object& object) {
  if (accelerator_ != nullptr)
    apply(object, accelerator_->accel_class().compat_properties,
          "default of accelerator " + accelerator_->name());
  apply(object, machine_class().compat_properties,
        fmt::format("default of machine {}", type_name()));
  apply(object, globals_, "-global");
}

void Machine::add_global(CompatProperty property) { globals_.push_back(std::move(property)); }

}  // namespace backplane
