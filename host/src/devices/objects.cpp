// SPDX-License-Identifier: MIT
#include "devices/objects.h"

#include <algorithm>

#include "report.h"

namespace backplane::host {

namespace {

bool names_network(std::string_view type) {
  const auto& properties = class_of_kind(kObjectKind, type).properties;
  return std::any_of(properties.begin(), properties.end(),
                     [](const Property& property) { return property.type_name == "link<netdev>"; });
}

}  // namespace

void create_objects(Backends& backends, const Configuration& asked, ObjectsOf which) {
  for (const GivenOption* option : asked.objects)
    with_values(*option, [&](KeyValueList values) {
      const auto type = values.take("qom-type");
      if (!type) throw Error("the type is missing: -object help lists those there are");
      if (names_network(*type) != (which == ObjectsOf::Networks)) return;
      const auto id = values.take("id");
      if (!id) throw Error("id is missing: expects a name to refer to it by");
      backends.add(kObjectKind, *type, *id, values.pairs());
    });
}

}  // namespace backplane::host
