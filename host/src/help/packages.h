// SPDX-License-Identifier: MIT
// What to install to get a type of a kind, by the list of known modules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/kind.h"

namespace backplane::host {

// An accelerator, but one that runs no guest: nobody who looks for one wants it.
inline constexpr std::string_view kAcceleratorForTests = "qtest";

// The packages whose modules have types of the kind: of all that are known, or of those that
// nothing installed has. Told by the types' names, so not for kinds whose types have nothing in
// common there.
enum class Having { Known, Missing };
std::vector<std::string> packages_of_kind(const Kind& kind, Having which);

// "install the package X", "install one of the packages X, Y"; empty if there is none.
std::string install_one_of(const std::vector<std::string>& packages);

}  // namespace backplane::host
