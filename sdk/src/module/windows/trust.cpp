// SPDX-License-Identifier: MIT
#include "module/trust.h"

namespace backplane {

std::string refusal_of_owner(const std::filesystem::path&) { return {}; }
std::string refusal_of_owner(const HostFile&, const std::filesystem::path&) { return {}; }
std::string refusal_of_parents(const std::filesystem::path&) { return {}; }
bool has_borrowed_rights() { return false; }

}  // namespace backplane
