// SPDX-License-Identifier: MIT
#include "options/block_protocol.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace backplane::host {

namespace {

// As QEMU's users wrote it before there were URIs: "nbd:host:port".
constexpr std::string_view kBeforeUris = "nbd";

}  // namespace

std::string protocol_for(const std::string& name) {
  const std::size_t colon = std::min(name.find(':'), name.size());
  const std::string_view scheme = std::string_view(name).substr(0, colon);
  const bool is_name = !scheme.empty() && std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+';
  });
  if (is_name && name.compare(colon, 3, "://") == 0)
    return std::string(scheme.substr(0, scheme.find('+')));
  if (colon < name.size() && scheme == kBeforeUris) return std::string(scheme);
  std::error_code ignored;
  return std::filesystem::is_block_file(name, ignored) ? "host_device" : "file";
}

}  // namespace backplane::host
