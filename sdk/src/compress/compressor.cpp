// SPDX-License-Identifier: MIT
#include "backplane/compressor.h"

namespace backplane {

std::unique_ptr<Compressor> create_compressor(std::string_view name) {
  return create_object<Compressor>(class_of_kind(kCompressorKind, name).name);
}

BACKPLANE_REGISTER_ABSTRACT(Compressor)

}  // namespace backplane
