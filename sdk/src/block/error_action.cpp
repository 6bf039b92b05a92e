// SPDX-License-Identifier: MIT
#include <array>
#include <string_view>
#include <utility>

#include "backplane/block.h"
#include "backplane/error.h"

namespace backplane {

namespace {

constexpr std::array<std::pair<std::string_view, ErrorAction>, 5> kNames{{
    {"auto", ErrorAction::Auto},
    {"report", ErrorAction::Report},
    {"ignore", ErrorAction::Ignore},
    {"stop", ErrorAction::Stop},
    {"enospc", ErrorAction::Enospc},
}};

}  // namespace

ErrorAction PropertyTraits<ErrorAction>::parse(std::string_view text) {
  for (const auto& [name, action] : kNames)
    if (name == text) return action;
  throw Error("expects report, ignore, stop, enospc or auto");
}

std::string PropertyTraits<ErrorAction>::print(ErrorAction value) {
  for (const auto& [name, action] : kNames)
    if (action == value) return std::string(name);
  return {};
}

}  // namespace backplane
