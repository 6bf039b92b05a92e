// SPDX-License-Identifier: MIT
#include "backing_file.h"

#include <filesystem>
#include <system_error>

#include "backplane/error.h"

namespace backplane::qcow2 {

namespace {

constexpr unsigned kDeepest = 200;

// "nbd://host", "json:{...}": not the name of a file.
bool names_no_file(const std::string& name) {
  const std::size_t colon = name.find(':');
  return colon != std::string::npos && colon > 1 && name.find('/') > colon;
}

void expect_no_circle(const BlockNode& node, const std::string& path) {
  unsigned depth = 0;
  for (const Object* at = &node; at != nullptr; at = at->parent()) {
    const auto* const above = dynamic_cast<const BlockNode*>(at);
    if (above == nullptr) return;
    std::error_code ignored;
    if (std::filesystem::equivalent(above->where(), path, ignored))
      throw Error::of("{} stands on itself, by way of {}", above->where(), node.where());
    if (++depth > kDeepest)
      throw Error::of("{} stands on more than {} others", node.where(), kDeepest);
  }
}

}  // namespace

std::string path_beside(const std::string& image, const std::string& name) {
  constexpr std::string_view kFile = "file:";
  const std::filesystem::path path = name.starts_with(kFile) ? name.substr(kFile.size()) : name;
  if (name.empty() || path.is_absolute()) return path.string();
  return (std::filesystem::path(image).parent_path() / path).string();
}

Backends::Properties backing_properties(const BlockNode& node, const Header& header) {
  const std::string& name = header.backing_file;
  const std::string format = header.backing_format();
  if (format.empty())
    throw Error(fmt::format("{} stands on {}, but does not say of which format that is",
                            shown(node.where()), shown(name)),
                "backplane-img rebase -u -b FILE -F FORMAT has it say so");
  if (!name.starts_with("file:") && names_no_file(name))
    throw Error(fmt::format("{} stands on {}, which is no file", shown(node.where()), shown(name)),
                "backing=NODE gives it another one");
  const std::string path = path_beside(node.where(), name);
  expect_no_circle(node, path);
  std::error_code ignored;
  return {{"driver", format},
          {"read-only", "on"},
          {"file.driver", std::filesystem::is_block_file(path, ignored) ? "host_device" : "file"},
          {"file.filename", path}};
}

}  // namespace backplane::qcow2
