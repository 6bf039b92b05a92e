// SPDX-License-Identifier: MIT
#include "options/drive_options.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "backplane/enumeration.h"

namespace backplane {

namespace host {
namespace {

enum class Cache { WriteBack, None, WriteThrough, DirectSync, Unsafe };
// What is there for the disk: one that comes with it, or one that is given.
enum class Interface { Virtio, None };
enum class Media { Disk };

}  // namespace
}  // namespace host

template <>
struct EnumNames<host::Cache> {
  static constexpr EnumName<host::Cache> kNames[] = {{host::Cache::WriteBack, "writeback"},
                                                     {host::Cache::None, "none"},
                                                     {host::Cache::WriteThrough, "writethrough"},
                                                     {host::Cache::DirectSync, "directsync"},
                                                     {host::Cache::Unsafe, "unsafe"}};
};
template <>
struct EnumNames<host::Interface> {
  static constexpr EnumName<host::Interface> kNames[] = {{host::Interface::Virtio, "virtio"},
                                                         {host::Interface::None, "none"}};
};
template <>
struct EnumNames<host::Media> {
  static constexpr EnumName<host::Media> kNames[] = {{host::Media::Disk, "disk"}};
};

namespace host {

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

// Throws Error if a key was given by both of its names.
void expect_one_of(const KeyValueList& values, std::string_view name, std::string_view other) {
  if (values.has(name) && values.has(other))
    throw Error::of("{} and {} are the same: expects one of them", name, other);
}

void take_cache(KeyValueList& values, DriveOptions& drive) {
  const auto cache = values.take_as<Cache>("cache");
  if (!cache) return;
  const bool direct = *cache == Cache::None || *cache == Cache::DirectSync;
  const bool write_cache = *cache != Cache::WriteThrough && *cache != Cache::DirectSync;
  for (Properties* const node : {&drive.protocol_node, &drive.format_node}) {
    if (direct) node->emplace_back("cache.direct", "on");
    if (*cache == Cache::Unsafe) node->emplace_back("cache.no-flush", "on");
  }
  if (!write_cache) drive.device.emplace_back("write-cache", "off");
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
  drive.makes_device =
      values.take_as<Interface>("if").value_or(Interface::Virtio) == Interface::Virtio;
  if (values.has("index")) {
    if (!drive.makes_device)
      throw Error("index is the place among the disks of if=virtio: with if=none there is none");
    drive.index = static_cast<unsigned>(*values.take_number("index", 0, kMaxIndex));
  }
  expect_one_of(values, "readonly", "read-only");
  expect_one_of(values, "locking", "file.locking");
  if (const auto read_only = values.take_as<bool>("readonly")) {
    const std::string text = PropertyTraits<bool>::print(*read_only);
    drive.protocol_node.emplace_back("read-only", text);
    drive.format_node.emplace_back("read-only", text);
  }
  take_cache(values, drive);
  values.take_as<Media>("media");
  distribute(values, drive);
  return drive;
}

}  // namespace host

}  // namespace backplane
