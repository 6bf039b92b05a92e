// SPDX-License-Identifier: MIT
#include "images.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "backplane/error.h"
#include "options/block_protocol.h"

namespace backplane::img {

namespace {

// A machine of nothing but backends.
class Workbench final : public Machine {
 public:
  static void class_init(MachineClass& k) { k.stateless(); }
  ~Workbench() override { tear_down(); }
  void init() override {}
};
BACKPLANE_TYPE(Workbench, "workbench-machine")

using host::protocol_for;

void add_cache(const std::string& cache,
               std::vector<std::pair<std::string, std::string>>& properties) {
  if (cache == "none" || cache == "directsync")
    properties.emplace_back("cache.direct", "on");
  else if (cache == "unsafe")
    properties.emplace_back("cache.no-flush", "on");
  else if (cache != "writeback" && cache != "writethrough")
    throw Error::of("cache mode '{}': expects writeback, writethrough, none, directsync or unsafe",
                    cache);
}

}  // namespace

OpenImage::OpenImage(Backends& backends, std::string id, std::string format)
    : backends_(backends), id_(std::move(id)), format_(std::move(format)) {}

OpenImage::~OpenImage() { close(); }

void OpenImage::finish() {
  expect_done(*node_, node_->flush());
  close();
}

void OpenImage::close() {
  if (std::exchange(node_, nullptr) != nullptr) backends_.remove(id_);
  file_.reset();
}

Images::Images()
    : machine_(std::make_unique<Workbench>()),
      backends_(&machine_->add_child("backends", std::make_unique<Backends>(*machine_))) {}

Images::~Images() = default;

std::unique_ptr<OpenImage> Images::add(
    const std::string& driver, std::string format,
    const std::vector<std::pair<std::string, std::string>>& properties) {
  auto image =
      std::make_unique<OpenImage>(*backends_, fmt::format("image{}", opened_++), std::move(format));
  try {
    image->node_ =
        dynamic_cast<BlockNode*>(&backends_->add(kBlockKind, driver, image->id_, properties));
  } catch (const Error& error) {
    // What helps is an option of the program's.
    if (error.hint().find("locking=off") == std::string::npos) throw;
    throw Error(error).with_hint("-U looks at one that another program has");
  }
  return image;
}

std::unique_ptr<OpenImage> Images::open_file(const std::string& path, const Opening& how) {
  std::vector<std::pair<std::string, std::string>> properties{
      {"filename", path}, {"read-only", how.for_writing ? "off" : "on"}};
  const std::string protocol = protocol_for(path);
  // Only what is in the host's files is locked.
  const bool is_local = protocol == "file" || protocol == "host_device";
  if (how.shared && is_local) properties.emplace_back("locking", "off");
  add_cache(how.cache, properties);
  return add(protocol, "file", properties);
}

std::string Images::probe(const std::string& path, bool shared) {
  return probe(*open_file(path, {.shared = shared}));
}

std::string Images::probe(const OpenImage& file) {
  std::vector<u8> start(std::min<u64>(file.node().size(), 4_KiB));
  expect_done(file.node(), file.node().read(0, start.data(), start.size()));
  return format_of_start(start);
}

std::unique_ptr<OpenImage> Images::open(const std::string& path, const Opening& how) {
  // Once alone: a server may end when it is left.
  std::unique_ptr<OpenImage> file = open_file(path, how);
  const std::string format = how.format ? *how.format : probe(*file);
  std::vector<std::pair<std::string, std::string>> properties{
      {"file", file->id_}, {"read-only", how.for_writing ? "off" : "on"}};
  if (how.alone && format != "raw") properties.emplace_back("backing", "off");
  add_cache(how.cache, properties);
  properties.insert(properties.end(), how.more.begin(), how.more.end());
  auto image = add(format, format, properties);
  image->file_ = std::move(file);
  return image;
}

std::unique_ptr<OpenImage> Images::make_file(const std::string& path) {
  std::error_code ignored;
  const bool is_device = protocol_for(path) != "file";
  // One that is in use stays as it is.
  if (!is_device && std::filesystem::is_regular_file(path, ignored))
    open_file(path, {.for_writing = true});
  if (!is_device && !std::ofstream(path, std::ios::binary | std::ios::trunc))
    throw Error::system("cannot make " + path, errno);
  return open_file(path, {.for_writing = true});
}

void expect_done(const BlockNode& node, int result) {
  if (result != 0) throw Error(node.explain(result));
}

DiskImage& expect_image(const OpenImage& image, std::string_view what) {
  if (DiskImage* const found = image.image()) return *found;
  throw Error::of("{} is {}, which has no {}", image.node().where(), OwnText{image.format()},
                  OwnText{std::string(what)});
}

Layer layer_at(BlockNode& top, u64 offset, u64 size) {
  Layer layer{.node = &top};
  for (;;) {
    Extent extent;
    const u64 there = layer.node->size() > offset ? layer.node->size() - offset : 0;
    if (there == 0) {
      layer.extent = {.size = size, .present = false, .zero = true, .data = false};
      return layer;
    }
    expect_done(*layer.node, extent_of(*layer.node, offset, std::min(size, there), extent));
    size = extent.size;
    layer.extent = extent;
    auto* const image = dynamic_cast<DiskImage*>(layer.node);
    BlockNode* const below = image == nullptr ? nullptr : image->backing();
    if (extent.present || below == nullptr) return layer;
    layer.node = below;
    ++layer.depth;
  }
}

}  // namespace backplane::img
