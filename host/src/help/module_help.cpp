// SPDX-License-Identifier: MIT
#include "help/module_help.h"

#include <fmt/format.h>

#include "backplane/module.h"

namespace backplane::host {

std::string module_help() {
  ModuleIndex& index = ModuleIndex::instance();
  index.scan();
  std::string text = fmt::format("{:<16} {:<10} {:<10} {}\n", "module", "version", "state", "file");
  for (const ModuleRecord& module : index.records()) {
    // A file that could not be read has no name of its own.
    const std::string name = module.name.empty() ? module.path.stem().string() : module.name;
    text += fmt::format("{:<16} {:<10} {:<10} {}\n", name,
                        module.version.empty() ? "-" : module.version, to_string(module.state),
                        module.path.empty() ? "(in the program)" : module.path.string());
    const std::string reason =
        module.reason.empty() ? index.unavailable_reason(module) : module.reason;
    if (!reason.empty()) text += fmt::format("    {}\n", reason);
  }
  text += "searched:";
  for (const auto& directory : index.search_path()) text += fmt::format(" {}", directory.string());
  return text + "\n";
}

}  // namespace backplane::host
