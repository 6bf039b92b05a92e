// SPDX-License-Identifier: MIT
#include "launch/saved_state.h"

#include "backplane/error.h"

namespace backplane::host {

std::filesystem::path saved_state_file(std::string_view place) {
  constexpr std::string_view kFile = "file:";
  for (const std::string_view other : {"tcp:", "unix:", "exec:", "fd:"})
    if (place.starts_with(other))
      throw Error::of("'{}': a machine's state can be in a file only", place)
          .with_hint("give file:PATH");
  if (place.starts_with(kFile)) place.remove_prefix(kFile.size());
  if (place.empty()) throw Error("the name of a file is missing");
  return place;
}

}  // namespace backplane::host
