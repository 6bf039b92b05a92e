// SPDX-License-Identifier: MIT
// Options of QEMU that there are not, told from mistyped ones.
#pragma once

#include <span>

#include "backplane/options.h"

namespace backplane::host {

// Also those of older versions of QEMU that users still write.
std::span<const ForeignOption> foreign_options();
// The same for docs/command-line.md: a table.
std::string foreign_options_markdown();

}  // namespace backplane::host
