// SPDX-License-Identifier: MIT
#include "launch/saved_state.h"

#include "backplane/error.h"

namespace backplane::host {

StatePlace state_place(std::string_view place) {
  constexpr std::string_view kFile = "file:";
  for (const std::string_view socket : {"tcp:", "unix:"})
    if (place.starts_with(socket)) return {.file = {}, .socket = std::string(place)};
  for (const std::string_view other : {"exec:", "fd:", "rdma:", "vsock:"})
    if (place.starts_with(other))
      throw Error::of("'{}': expects file:PATH, unix:PATH or tcp:HOST:PORT", place);
  if (place.starts_with(kFile)) place.remove_prefix(kFile.size());
  if (place.empty()) throw Error("the name of a file is missing");
  return {.file = place, .socket = {}};
}

}  // namespace backplane::host
