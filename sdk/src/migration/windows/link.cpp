// SPDX-License-Identifier: MIT
#include "migration/link.h"

#include "backplane/error.h"

namespace backplane {

std::unique_ptr<MigrationLink> MigrationLink::to(std::string_view place) {
  throw Error::of("'{}': a machine's state can be in a file only", place)
      .with_hint("give file:PATH");
}

}  // namespace backplane
