// SPDX-License-Identifier: MIT
// A file that is open keeps its name here.
#include "devices/temporary_file.h"

#include "backplane/error.h"

namespace backplane::host {

TemporaryFile::TemporaryFile() {
  throw Error("there are no files without a name on Windows", "use a copy of the image");
}

TemporaryFile::~TemporaryFile() = default;

}  // namespace backplane::host
