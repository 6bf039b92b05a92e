// SPDX-License-Identifier: MIT
#include "options/drive_options.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>

#include "backplane/enumeration.h"
#include "options/block_protocol.h"

namespace backplane {

namespace host {
namespace {

enum class Cache { WriteBack, None, WriteThrough, DirectSync, Unsafe };
enum class Media { Disk, Cdrom };

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
struct EnumNames<host::Media> {
  static constexpr EnumName<host::Media> kNames[] = {{host::Media::Disk, "disk"},
                                                     {host::Media::Cdrom, "cdrom"}};
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
constexpr std::array<std::string_view, 4> kDeviceKeys{"bootindex", "rerror", "serial", "werror"};

// Options that stand for a -drive.
struct NamedDrive {
  std::string_view option;
  std::string_view interface;
  std::string_view index;  // empty: the first place that is free
  std::string_view media;
};
constexpr NamedDrive kNamedDrives[] = {
    {"hda", "ide", "0", "disk"}, {"hdb", "ide", "1", "disk"},    {"hdc", "ide", "2", "disk"},
    {"hdd", "ide", "3", "disk"}, {"cdrom", "ide", "2", "cdrom"}, {"pflash", "pflash", "", "disk"}};

constexpr std::string_view kQcow2Magic = "QFI\xfb";
constexpr std::string_view kQcow2Suffix = ".qcow2";

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

// Throws Error if there is one for nodes.
void expect_device_keys(const KeyValueList& values) {
  for (const auto& [key, value] : values.pairs())
    if (!is_one_of(key, kDeviceKeys))
      throw Error::of("{} is about an image, and file is missing", key);
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

std::string format_for(const std::string& path) {
  std::string start(kQcow2Magic.size(), '\0');
  std::ifstream(path, std::ios::binary).read(start.data(), static_cast<long>(start.size()));
  if (start != kQcow2Magic) return "raw";
  if (path.ends_with(kQcow2Suffix)) return "qcow2";
  throw Error(
      "the file is an image in the format qcow2, or a raw disk whose guest makes it look so")
      .with_hint("say format=qcow2, or format=raw");
}

DriveOptions parse_drive(KeyValueList values) {
  DriveOptions drive;
  const std::string path = values.take("file").value_or("");
  const auto protocol = values.take("file.driver");
  drive.is_cdrom = values.take_as<Media>("media").value_or(Media::Disk) == Media::Cdrom;
  drive.id = values.take("id").value_or("");
  drive.interface = values.take("if").value_or("virtio");
  drive.is_empty = path.empty() && !protocol;
  if (drive.is_empty && !drive.is_cdrom)
    throw Error("file is missing: expects the path of an image");
  drive.protocol = protocol ? *protocol : protocol_for(path);
  if (!path.empty()) drive.protocol_node.emplace_back("filename", path);
  const auto format = values.take("format");
  drive.format = format ? *format : format_for(path);
  if (values.has("index")) {
    if (!drive.makes_device())
      throw Error("index is the place among the disks of an interface: with if=none there is none");
    drive.index = static_cast<unsigned>(*values.take_number("index", 0, kMaxIndex));
  }
  for (const auto& [key, place] : {std::pair("bus", &drive.bus), {"unit", &drive.unit}}) {
    if (!values.has(key)) continue;
    if (!drive.makes_device() || drive.index)
      throw Error::of("{}: expects an interface, and no index=, which is the same", key);
    *place = static_cast<unsigned>(*values.take_number(key, 0, kMaxIndex));
  }
  expect_one_of(values, "readonly", "read-only");
  expect_one_of(values, "locking", "file.locking");
  if (const auto read_only = values.take_as<bool>("readonly")) {
    const std::string text = PropertyTraits<bool>::print(*read_only);
    drive.protocol_node.emplace_back("read-only", text);
    drive.format_node.emplace_back("read-only", text);
  }
  drive.snapshot = values.take_as<bool>("snapshot");
  take_cache(values, drive);
  if (drive.is_cdrom)
    for (Properties* const node : {&drive.protocol_node, &drive.format_node})
      node->emplace_back("read-only", "on");
  if (drive.is_empty) expect_device_keys(values);
  distribute(values, drive);
  return drive;
}

DriveOptions parse_named_drive(std::string_view option, const std::string& path) {
  const auto* const named =
      std::find_if(std::begin(kNamedDrives), std::end(kNamedDrives),
                   [&](const NamedDrive& named) { return named.option == option; });
  Properties keys{
      {"file", path}, {"if", std::string(named->interface)}, {"media", std::string(named->media)}};
  if (!named->index.empty()) keys.emplace_back("index", named->index);
  if (named->interface == "pflash") keys.emplace_back("format", "raw");
  return parse_drive(KeyValueList::of(std::move(keys)));
}

}  // namespace host

}  // namespace backplane
