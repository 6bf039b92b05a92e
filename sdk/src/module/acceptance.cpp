// SPDX-License-Identifier: MIT
#include "module/acceptance.h"

#include <charconv>
#include <optional>
#include <system_error>

namespace backplane {

namespace {

constexpr std::string_view kOwnSdk =
    BACKPLANE_DETAIL_STR(BACKPLANE_SDK_MAJOR) "." BACKPLANE_DETAIL_STR(BACKPLANE_SDK_MINOR);

struct Version {
  unsigned major = 0;
  unsigned minor = 0;
};

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

// "major.minor", and whatever follows behind another point.
std::optional<Version> parse_version(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(dot + 1);
  const std::optional<unsigned> major = parse_number(text.substr(0, dot));
  const std::optional<unsigned> minor = parse_number(rest.substr(0, rest.find('.')));
  if (!major || !minor) return std::nullopt;
  return Version{*major, *minor};
}

}  // namespace

std::string refusal_of_metadata(const ModuleRecord& record) {
  const std::optional<Version> sdk = parse_version(record.sdk);
  if (!sdk)
    return fmt::format("damaged: its SDK version is '{}'; reinstall the module's package",
                       record.sdk);
  if (sdk->major != BACKPLANE_SDK_MAJOR)
    return fmt::format(
        "built for SDK {}, this program offers SDK {}, and different major versions do not fit; "
        "install a build of '{}' for SDK {}.x",
        record.sdk, kOwnSdk, record.name, BACKPLANE_SDK_MAJOR);
  if (sdk->minor > BACKPLANE_SDK_MINOR)
    return fmt::format(
        "built for SDK {}, which is newer than this program's SDK {}; update backplane, or install "
        "an older build of '{}'",
        record.sdk, kOwnSdk, record.name);
  if (record.arch != BACKPLANE_ARCH)
    return fmt::format("built for {}, this program runs on {}; install the module's package for {}",
                       record.arch, BACKPLANE_ARCH, BACKPLANE_ARCH);
  if (record.abi != BACKPLANE_ABI_TAG)
    return fmt::format(
        "compiled for the C++ ABI '{}', this program for '{}'; install a build of '{}' made with "
        "the same kind of compiler",
        record.abi, BACKPLANE_ABI_TAG, record.name);
  return {};
}

std::string refusal_of_version(const ModuleRecord& required, std::string_view wanted) {
  if (wanted.empty()) return {};
  const std::optional<Version> needs = parse_version(wanted);
  const std::optional<Version> has = parse_version(required.version);
  if (!needs || !has || needs->major != has->major)
    return fmt::format(
        "it was built with version {} of '{}', installed is version {}, and they do not fit; "
        "install a build for version {}",
        wanted, required.name, required.version, required.version);
  if (needs->minor > has->minor)
    return fmt::format(
        "it was built with version {} of '{}', which is newer than the installed version {}; "
        "update {}",
        wanted, required.name, required.version,
        required.package.empty() ? required.name : "the package " + required.package);
  return {};
}

std::string refusal_of_mode(unsigned mode, const std::filesystem::path& path) {
  constexpr unsigned kOthersMayWrite = 0002;
  if ((mode & kOthersMayWrite) == 0) return {};
  return fmt::format("anyone may write to it (mode {:04o}), so it is not trusted; chmod o-w {}",
                     mode, path.string());
}

}  // namespace backplane
