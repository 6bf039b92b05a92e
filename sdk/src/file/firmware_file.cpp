// SPDX-License-Identifier: MIT
#include "backplane/firmware_file.h"

#include <filesystem>
#include <vector>

#include "backplane/error.h"

namespace backplane {

namespace {

// Where Debian's packages have it.
constexpr std::string_view kDirectories[] = {"/usr/share/seabios", "/usr/share/OVMF",
                                             "/usr/share/qemu", "/usr/lib/ipxe/qemu"};

// Which package has files of such names.
struct Provider {
  std::string_view prefix;
  std::string_view package;
};
constexpr Provider kProviders[] = {{"bios", "seabios"},   {"vgabios", "seabios"},
                                   {"OVMF", "ovmf"},      {"pxe-", "ipxe-qemu"},
                                   {"efi-", "ipxe-qemu"}, {"u-boot", "u-boot-qemu"}};

std::vector<std::string>& given_directories() {
  static std::vector<std::string> directories;
  return directories;
}

std::string in_directory(std::string_view directory, std::string_view name) {
  return (std::filesystem::path(directory) / name).string();
}

std::string cure(std::string_view name) {
  for (const Provider& provider : kProviders)
    if (name.starts_with(provider.prefix))
      return fmt::format("the package {} has it; or give its path", provider.package);
  return "give its path";
}

}  // namespace

std::optional<std::string> find_firmware_file(std::string_view name) {
  std::error_code ignored;
  if (name.find('/') != std::string_view::npos) return std::string(name);
  for (const std::string& directory : given_directories())
    if (std::string path = in_directory(directory, name); std::filesystem::exists(path, ignored))
      return path;
  for (const std::string_view directory : kDirectories)
    if (std::string path = in_directory(directory, name); std::filesystem::exists(path, ignored))
      return path;
  return std::nullopt;
}

std::string firmware_file(std::string_view name) {
  if (auto path = find_firmware_file(name)) return *path;
  throw Error::of("{} is not installed", name).with_hint(cure(name));
}

void add_firmware_directory(std::string path) {
  given_directories().insert(given_directories().begin(), std::move(path));
}

}  // namespace backplane
