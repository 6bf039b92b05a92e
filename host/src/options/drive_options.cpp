// SPDX-License-Identifier: MIT
#include "options/drive_options.h"

#include <algorithm>

#include "options/values.h"

namespace backplane::host {

namespace {

bool take_discard(KeyValueList& values, bool otherwise) {
  if (!values.has("discard")) return otherwise;
  const std::string mode = take_choice(values, "discard", {"unmap", "ignore", "on", "off"});
  return mode == "unmap" || mode == "on";
}

bool take_detect_zeroes(KeyValueList& values) {
  return take_choice(values, "detect-zeroes", {"off", "on", "unmap"}) != "off";
}

bool take_locking(KeyValueList& values, std::string_view key) {
  return take_choice(values, key, {"auto", "on", "off"}) != "off";
}

// How a cache mode of -blockdev's two flags is called by -drive.
std::string take_cache(KeyValueList& values, std::string otherwise) {
  const bool direct = take_flag(values, "cache.direct", false);
  const bool no_flush = take_flag(values, "cache.no-flush", false);
  if (no_flush) return "unsafe";
  return direct ? "none" : otherwise;
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
  block.read_only = take_flag(values, "readonly", false);
  block.read_only = take_flag(values, "read-only", block.read_only);
  block.auto_read_only = take_flag(values, "auto-read-only", block.auto_read_only);
  block.cache =
      take_choice(values, "cache", {"writeback", "none", "writethrough", "directsync", "unsafe"});
  block.serial = values.take("serial").value_or("");
  block.discard = take_discard(values, block.discard);
  block.detect_zeroes = take_detect_zeroes(values);
  block.locking = take_locking(values, values.has("locking") ? "locking" : "file.locking");
  take_choice(values, "media", {"disk"});
  take_choice(values, "aio", {"threads"});
  values.take("index");  // the order of the options says it
  values.expect_empty(
      "aio, auto-read-only, cache, detect-zeroes, discard, file, format, id, if, index, locking, "
      "media, readonly, serial");
  return drive;
}

// What a format stands on: another node, or a file named in place.
BlockOptions BlockNodes::take_file(KeyValueList& values) {
  if (const auto filename = values.take("file.filename")) {
    take_choice(values, "file.driver", {"file", "host_device"});
    BlockOptions options;
    options.file = *filename;
    options.locking = take_locking(values, "file.locking");
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
  return *node;
}

void BlockNodes::add(KeyValueList values) {
  if (!values.has("driver")) throw Error("driver is missing: expects raw, file or host_device");
  const bool is_file = take_choice(values, "driver", {"raw", "file", "host_device"}) != "raw";
  const std::string name = values.take("node-name").value_or("");
  if (name.empty()) throw Error("node-name is missing: expects a name to refer to the node by");
  if (std::any_of(nodes_.begin(), nodes_.end(),
                  [&](const BlockOptions& node) { return node.id == name; }))
    throw Error::of("node-name={}: that name is taken", name);

  BlockOptions node;
  if (is_file) {
    node.file = values.take("filename").value_or("");
    if (node.file.empty()) throw Error("filename is missing: expects the path of an image");
    take_choice(values, "aio", {"threads"});
    node.locking = take_locking(values, "locking");
  } else {
    node = take_file(values);
  }
  node.id = name;
  node.read_only = take_flag(values, "read-only", node.read_only);
  node.auto_read_only = take_flag(values, "auto-read-only", node.auto_read_only);
  node.discard = take_discard(values, node.discard);
  if (values.has("detect-zeroes")) node.detect_zeroes = take_detect_zeroes(values);
  node.cache = take_cache(values, node.cache);
  values.expect_empty(
      is_file
          ? "aio, auto-read-only, cache.direct, cache.no-flush, detect-zeroes, discard, driver, "
            "filename, locking, node-name, read-only"
          : "auto-read-only, cache.direct, cache.no-flush, detect-zeroes, discard, driver, file, "
            "file.filename, file.locking, node-name, read-only");
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
