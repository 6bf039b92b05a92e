// SPDX-License-Identifier: MIT
#include "module/acceptance.h"

#include <charconv>
#include <optional>
#include <system_error>

namespace backplane {

namespace {

constexpr std::string_view kOwnSdk =
    BACKPLANE_DETAIL_STR(BACKPLANE_SDK_MAJOR) "." BACKPLANE_DETAIL_STR(BACKPLANE_SDK_MINOR);

struct SdkVersion {
  unsigned major = 0;
  unsigned minor = 0;
};

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<SdkVersion> parse_sdk(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::optional<unsigned> major = parse_number(text.substr(0, dot));
  const std::optional<unsigned> minor = parse_number(text.substr(dot + 1));
  if (!major || !minor) return std::nullopt;
  return SdkVersion{*major, *minor};
}

}  // namespace

std::string refusal_of_metadata(const ModuleRecord& record) {
  const std::optional<SdkVersion> sdk = parse_sdk(record.sdk);
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

std::string refusal_of_mode(unsigned mode, const std::filesystem::path& path) {
  constexpr unsigned kOthersMayWrite = 0002;
  if ((mode & kOthersMayWrite) == 0) return {};
  return fmt::format("anyone may write to it (mode {:04o}), so it is not trusted; chmod o-w {}",
                     mode, path.string());
}

}  // namespace backplane
