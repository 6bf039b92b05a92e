// SPDX-License-Identifier: MIT
#include "help/type_help.h"

#include <fmt/format.h>

#include <filesystem>

#include "help/listings.h"
#include "launch/cpu_model.h"

namespace backplane::host {

namespace {

// The lines of all that there are of a kind.
std::string lines_of(const Value& listing) {
  std::string text;
  for (const Value& entry : listing.as_list()) {
    text += fmt::format("  {:<16} {}", entry.find("name")->as_string(),
                        entry.find("description")->as_string());
    if (const std::string& module = entry.find("module")->as_string(); !module.empty())
      text += fmt::format(" [{}]", module);
    if (const Value* const reason = entry.find("reason"))
      text += fmt::format(" (not usable: {})", reason->as_string());
    text += "\n";
  }
  return text;
}

std::string usability(const Value& accelerator) {
  if (const Value* const reason = accelerator.find("reason"))
    return "not usable: " + reason->as_string();
  const Value* const remark = accelerator.find("remark");
  return remark == nullptr ? "usable" : "usable; " + remark->as_string();
}

std::string headed(std::string_view noun, const std::string& lines) {
  return lines.empty() ? fmt::format("no {}s are installed\n", noun)
                       : fmt::format("{}s:\n{}", noun, lines);
}

}  // namespace

std::string accelerator_help(const Value& listing) {
  std::string text;
  for (const Value& accelerator : listing.find("accelerators")->as_list()) {
    const std::filesystem::path file = accelerator.find("file")->as_string();
    text += fmt::format("  {:<8} {:<18} {}\n", accelerator.find("name")->as_string(),
                        file.empty() ? "(in the program)" : file.filename().string(),
                        usability(accelerator));
  }
  return text.empty() ? "no accelerators are installed\n" : "installed accelerators:\n" + text;
}

std::string kind_help(const Kind& kind) { return headed(kind.noun, lines_of(list_kind(kind))); }

std::string cpu_help() {
  std::string lines;
  const std::vector<CpuModels> architectures = cpu_models();
  for (const CpuModels& models : architectures) lines += lines_of(list_kind(models.kind()));
  return headed(architectures.front().kind().noun, lines);
}

}  // namespace backplane::host
