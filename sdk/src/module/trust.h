// SPDX-License-Identifier: MIT
// Whom a module file or a directory of them belongs to, and who could put another in its place.
// Windows: nobody is asked, see docs/windows.md.
#pragma once

#include <filesystem>
#include <string>

#include "backplane/host_file.h"

namespace backplane {

// Why the owner is not trusted, with the cure; empty if it is root, the user of this program or the
// owner of its library, who could do anything already. A file that cannot be asked about is left to
// whoever opens it.
std::string refusal_of_owner(const std::filesystem::path& path);
// The same of a file that is open, which messages call `path`.
std::string refusal_of_owner(const HostFile& file, const std::filesystem::path& path);

// Why a directory is not searched although nobody else may write to it: anyone may, to one above
// it, and so rename it; empty if it is searched. What libbackplane lies below of as well is as good
// as that.
std::string refusal_of_parents(const std::filesystem::path& directory);

// Why a file is not looked at that is a symbolic link; empty if it stays in its directory.
std::string refusal_of_link(const std::filesystem::directory_entry& file);

// Whether this program has rights that whoever started it has not: it is set-uid or the like.
bool has_borrowed_rights();

}  // namespace backplane
