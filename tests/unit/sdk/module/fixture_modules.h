// SPDX-License-Identifier: MIT
// The modules that the build makes for these tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace backplane {

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A module that the build made for these tests.
inline std::filesystem::path fixture_module(const std::string& name) {
  return std::filesystem::path(BACKPLANE_FIXTURE_MODULES) / (name + ".so");
}

}  // namespace backplane
