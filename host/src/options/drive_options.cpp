// SPDX-License-Identifier: MIT
#include "options/drive_options.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "options/values.h"

namespace backplane::host {

namespace {

// The largest place of a -drive, beyond what any machine has room for.
constexpr unsigned kMaxIndex = 255;

// Keys of the file and not of the format; those with "file." before them are the file's as well.
constexpr std::array<std::string_view, 2> kProtocolKeys{"aio", "locking"};
// Keys of both.
constexpr std::array<std::string_view, 5> kSharedKeys{"auto-read-only", "cache.direct",
                                                      "cache.no-flush", "discard", "read-only"};
// Keys of the device.
constexpr std::array<std::string_view, 3> kDeviceKeys{"rerror", "serial", "werror"};

struct CacheMode {
  std::string_view name;
  bool direct;
  bool no_flush;
  bool write_cache;
};
constexpr std::array<CacheMode, 5> kCacheModes{{
    {"writeback", false, false, true},
    {"none", true, false, true},
    {"writethrough", false, false, false},
    {"directsync", true, false, false},
    {"unsafe", false, true, true},
}};

// Throws Error if a key was given by both of its names.
void expect_one_of(const KeyValueList& values, std::string_view name, std::string_view other) {
  if (values.has(name) && values.has(other))
    throw Error::of("{} and {} are the same: expects one of them", name, other);
}

void take_cache(KeyValueList& values, DriveOptions& drive) {
  std::vector<std::string_view> names;
  for (const CacheMode& mode : kCacheModes) names.push_back(mode.name);
  if (!values.has("cache")) return;
  const std::string name = take_choice(values, "cache", names);
  const auto mode = std::find_if(kCacheModes.begin(), kCacheModes.end(),
                                 [&](const CacheMode& known) { return known.name == name; });
  for (Properties* const node : {&drive.protocol_node, &drive.format_node}) {
    if (mode->direct) node->emplace_back("cache.direct", "on");
    if (mode->no_flush) node->emplace_back("cache.no-flush", "on");
  }
  if (!mode->write_cache) drive.device.emplace_back("write-cache", "off");
}

template <std::size_t N>
bool is_one_of(std::string_view key, const std::array<std::string_view, N>& keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// What was not taken goes to whom it concerns, who knows whether there is such a thing.
void distribute(const KeyValueList& values, DriveOptions& drive) {
  constexpr std::string_view kOfFile = "file.";
  for (const auto& [key, value] : values.pairs()) {
    if (key.starts_with(kOfFile))
      drive.protocol_node.emplace_back(key.substr(kOfFile.size()), value);
    else if (is_one_of(key, kProtocolKeys))
      drive.protocol_node.emplace_back(key, value);
    else if (is_one_of(key, kDeviceKeys))
      drive.device.emplace_back(key, value);
    else
      drive.format_node.emplace_back(key, value);
    if (is_one_of(key, kSharedKeys)) drive.protocol_node.emplace_back(key, value);
  }
}

}  // namespace

std::string protocol_for(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_block_file(path, ignored) ? "host_device" : "file";
}

DriveOptions parse_drive(KeyValueList values) {
  DriveOptions drive;
  const std::string path = values.take("file").value_or("");
  if (path.empty()) throw Error("file is missing: expects the path of an image");
  drive.protocol = protocol_for(path);
  drive.protocol_node.emplace_back("filename", path);
  drive.format = values.take("format").value_or("raw");
  drive.id = values.take("id").value_or("");
  drive.makes_device = take_choice(values, "if", {"virtio", "none"}) == "virtio";
  if (values.has("index")) {
    if (!drive.makes_device)
      throw Error("index is the place among the disks of if=virtio: with if=none there is none");
    drive.index = take_number(values, "index", 0, kMaxIndex, 0);
  }
  expect_one_of(values, "readonly", "read-only");
  expect_one_of(values, "locking", "file.locking");
  if (values.has("readonly")) {
    const std::string text = take_flag(values, "readonly", false) ? "on" : "off";
    drive.protocol_node.emplace_back("read-only", text);
    drive.format_node.emplace_back("read-only", text);
  }
  take_cache(values, drive);
  take_choice(values, "media", {"disk"});
  distribute(values, drive);
  return drive;
}

}  // namespace backplane::host
