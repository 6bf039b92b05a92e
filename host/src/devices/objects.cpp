// SPDX-License-Identifier: MIT
#include "devices/objects.h"

#include "report.h"

namespace backplane::host {

void create_objects(Backends& backends, const Configuration& asked) {
  for (const GivenOption* option : asked.objects)
    with_values(*option, [&](KeyValueList values) {
      const auto type = values.take("qom-type");
      if (!type) throw Error("the type is missing: -object help lists those there are");
      const auto id = values.take("id");
      if (!id) throw Error("id is missing: expects a name to refer to it by");
      backends.add(kObjectKind, *type, *id, values.pairs());
    });
}

}  // namespace backplane::host
