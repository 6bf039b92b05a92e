// SPDX-License-Identifier: MIT
// Whether this program may load a file, judged before any of its code runs.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/module.h"

namespace backplane {

// Why a module that was built with the version `wanted` of `required` (empty: any) cannot run with
// the one that is there, with the cure; empty if it can. The same rule as for the SDK.
std::string refusal_of_version(const ModuleRecord& required, std::string_view wanted);

// Why a file with these permission bits is not trusted, with the cure; empty if it is.
std::string refusal_of_mode(unsigned mode, const std::filesystem::path& path);

// Why a directory is not searched; empty if it is.
std::string refusal_of_directory(const std::filesystem::path& directory);

// The first of the record's shared libraries that the system's loader would not find; empty if it
// would find all. `provided` holds file names that modules of the index have. A wrong guess here
// only costs a better message: loading is what decides.
std::string missing_library(const ModuleRecord& record, const std::vector<std::string>& provided);

}  // namespace backplane
