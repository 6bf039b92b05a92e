// SPDX-License-Identifier: MIT
#include "options/drive_options.h"

#include <algorithm>

#include "options/values.h"

namespace backplane::host {

namespace {

// The largest place of a -drive, beyond what any machine has room for.
constexpr unsigned kMaxIndex = 255;

ImageKind kind_of(std::string_view driver) {
  return driver == "host_device" ? ImageKind::Device : ImageKind::File;
}

bool take_discard(KeyValueList& values, bool otherwise) {
  if (!values.has("discard")) return otherwise;
  const std::string mode = take_choice(values, "discard", {"unmap", "ignore", "on", "off"});
  return mode == "unmap" || mode == "on";
}

DetectZeroes take_detect_zeroes(KeyValueList& values, DetectZeroes otherwise) {
  if (!values.has("detect-zeroes")) return otherwise;
  const std::string mode = take_choice(values, "detect-zeroes", {"off", "on", "unmap"});
  if (mode == "off") return DetectZeroes::Off;
  return mode == "on" ? DetectZeroes::On : DetectZeroes::Unmap;
}

// What the keys say together.
void check(const BlockOptions& block) {
  if (block.detect_zeroes == DetectZeroes::Unmap && !block.discard)
    throw Error("detect-zeroes=unmap: gives space back, which discard=ignore forbids",
                "detect-zeroes=on does not");
}

// The one of a key's two names that was given, or the first. Throws Error if both were.
std::string_view spelling(const KeyValueList& values, std::string_view name,
                          std::string_view other) {
  if (!values.has(other)) return name;
  if (values.has(name)) throw Error::of("{} and {} are the same: expects one of them", name, other);
  return other;
}

void take_locking(KeyValueList& values, std::string_view key, BlockOptions& block) {
  const std::string mode = take_choice(values, key, {"auto", "on", "off"});
  block.locking = mode == "off"  ? ImageLocking::Off
                  : mode == "on" ? ImageLocking::On
                                 : ImageLocking::Auto;
  block.cures.unlocked = fmt::format("{}=off", key);
}

// How a cache mode of -blockdev's two flags is called by -drive, with that of the node below.
std::string take_cache(KeyValueList& values, const std::string& below) {
  const bool direct = take_flag(values, "cache.direct", false) || below == "none";
  const bool no_flush = take_flag(values, "cache.no-flush", false) || below == "unsafe";
  if (direct && no_flush) throw Error("cache.direct=on and cache.no-flush=on exclude each other");
  if (no_flush) return "unsafe";
  return direct ? "none" : below;
}

// A node is read-only if the one below it is.
bool take_read_only(KeyValueList& values, bool below) {
  const bool read_only = take_flag(values, "read-only", below);
  if (below && !read_only) throw Error("read-only=off: the file below it is read-only");
  return read_only;
}

}  // namespace

DriveOptions parse_drive(KeyValueList values) {
  DriveOptions drive;
  BlockOptions& block = drive.block;
  block.file = values.take("file").value_or("");
  if (block.file.empty()) throw Error("file is missing: expects the path of an image");
  block.format = take_choice(values, "format", {"raw"});
  block.id = values.take("id").value_or("");
  drive.makes_device = take_choice(values, "if", {"virtio", "none"}) == "virtio";
  if (values.has("index")) {
    if (!drive.makes_device)
      throw Error("index is the place among the disks of if=virtio: with if=none there is none");
    drive.index = take_number(values, "index", 0, kMaxIndex, 0);
  }
  const std::string_view read_only = spelling(values, "readonly", "read-only");
  block.read_only = take_flag(values, read_only, false);
  block.cures.read_only = fmt::format("{}=on", read_only);
  block.auto_read_only = take_flag(values, "auto-read-only", block.auto_read_only);
  block.cache =
      take_choice(values, "cache", {"writeback", "none", "writethrough", "directsync", "unsafe"});
  block.serial = values.take("serial").value_or("");
  block.discard = take_discard(values, block.discard);
  block.detect_zeroes = take_detect_zeroes(values, block.detect_zeroes);
  take_locking(values, spelling(values, "locking", "file.locking"), block);
  block.on_error.read = values.take_as<ErrorAction>("rerror").value_or(block.on_error.read);
  block.on_error.write = values.take_as<ErrorAction>("werror").value_or(block.on_error.write);
  take_choice(values, "media", {"disk"});
  take_choice(values, "aio", {"threads"});
  values.expect_empty(
      "aio, auto-read-only, cache, detect-zeroes, discard, file, format, id, if, index, locking, "
      "media, readonly, rerror, serial, werror");
  check(block);
  return drive;
}

// What a format stands on: another node, or a file named in place.
BlockOptions BlockNodes::take_file(KeyValueList& values) {
  if (const auto filename = values.take("file.filename")) {
    BlockOptions options;
    options.cures.cached = "cache.direct=off";
    if (values.has("file.driver"))
      options.kind = kind_of(take_choice(values, "file.driver", {"file", "host_device"}));
    options.file = *filename;
    take_locking(values, "file.locking", options);
    options.cures.driver = "file.driver";
    return options;
  }
  const auto name = values.take("file");
  if (!name) throw Error("file is missing: expects the node-name of a file, or file.filename=PATH");
  const auto node = std::find_if(nodes_.begin(), nodes_.end(),
                                 [&](const BlockOptions& known) { return known.id == *name; });
  if (node == nodes_.end())
    throw Error::of("file={}: no -blockdev before this one has that node-name", *name);
  if (std::find(taken_.begin(), taken_.end(), *name) != taken_.end())
    throw Error::of("file={}: that node is the file of another one already", *name);
  taken_.push_back(*name);
  BlockOptions options = *node;
  options.cures.unlocked += " of node " + *name;
  options.cures.driver = fmt::format("node {} with {}", *name, options.cures.driver);
  return options;
}

void BlockNodes::add(KeyValueList values) {
  if (!values.has("driver")) throw Error("driver is missing: expects raw, file or host_device");
  const std::string driver = take_choice(values, "driver", {"raw", "file", "host_device"});
  const bool is_file = driver != "raw";
  const std::string name = values.take("node-name").value_or("");
  if (name.empty()) throw Error("node-name is missing: expects a name to refer to the node by");
  if (std::any_of(nodes_.begin(), nodes_.end(),
                  [&](const BlockOptions& node) { return node.id == name; }))
    throw Error::of("node-name={}: that name is taken", name);

  BlockOptions node;
  node.cures.cached = "cache.direct=off";
  if (is_file) {
    node.kind = kind_of(driver);
    node.file = values.take("filename").value_or("");
    if (node.file.empty()) throw Error("filename is missing: expects the path of an image");
    take_choice(values, "aio", {"threads"});
    take_locking(values, "locking", node);
  } else {
    node = take_file(values);
  }
  node.id = name;
  node.read_only = take_read_only(values, node.read_only);
  node.auto_read_only = take_flag(values, "auto-read-only", node.auto_read_only);
  // Both layers look for zeroes, and what one does not pass on does not reach the disk.
  node.discard = take_discard(values, node.discard) && node.discard;
  node.detect_zeroes = std::max(take_detect_zeroes(values, node.detect_zeroes), node.detect_zeroes);
  node.cache = take_cache(values, node.cache);
  values.expect_empty(
      is_file
          ? "aio, auto-read-only, cache.direct, cache.no-flush, detect-zeroes, discard, driver, "
            "filename, locking, node-name, read-only"
          : "auto-read-only, cache.direct, cache.no-flush, detect-zeroes, discard, driver, file, "
            "file.driver, file.filename, file.locking, node-name, read-only");
  check(node);
  nodes_.push_back(std::move(node));
}

std::vector<BlockNodes::Root> BlockNodes::roots() const {
  std::vector<Root> roots;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (std::find(taken_.begin(), taken_.end(), nodes_[i].id) == taken_.end())
      roots.push_back({i, nodes_[i]});
  return roots;
}

}  // namespace backplane::host
