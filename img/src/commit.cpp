// SPDX-License-Identifier: MIT
#include <algorithm>
#include <filesystem>
#include <vector>

#include "arguments.h"
#include "backplane/error.h"
#include "commands.h"
#include "images.h"
#include "progress.h"

namespace backplane::img {

namespace {

constexpr u64 kPiece = 2_MiB;

using Layers = std::vector<std::unique_ptr<OpenImage>>;

// What the first of the layers that has something there has, none: nothing.
BlockNode* layer_with(const Layers& layers, u64 offset, u64 most, Extent& extent) {
  extent = {.size = most};
  for (const auto& layer : layers) {
    BlockNode& node = layer->node();
    // Beyond its end, one hides what is below.
    if (offset >= node.size()) {
      extent = {.size = extent.size, .zero = true, .data = false};
      return &node;
    }
    expect_done(node, extent_of(node, offset, std::min(extent.size, node.size() - offset), extent));
    if (extent.present) return &node;
  }
  return nullptr;
}

void write_into(BlockNode& base, const Layers& layers, Progress& progress) {
  const u64 size = layers.front()->node().size();
  std::vector<u8> buffer(kPiece);
  for (u64 at = 0; at < size;) {
    Extent extent;
    BlockNode* const node = layer_with(layers, at, size - at, extent);
    if (node != nullptr && extent.zero) {
      expect_done(base, base.write_zeroes(at, extent.size, true));
    } else if (node != nullptr) {
      extent.size = std::min(extent.size, kPiece);
      expect_done(*node, node->read(at, buffer.data(), extent.size));
      expect_done(base, base.write(at, buffer.data(), extent.size));
    }
    progress.add(extent.size);
    at += extent.size;
  }
  progress.finish();
}

}  // namespace

int commit(const Words& words) {
  const Arguments arguments(words, {{'f', "", true},
                                    {'b', "", true},
                                    {'d', "", false},
                                    {'p', "", false},
                                    {'q', "quiet", false},
                                    {'t', "", true}});
  arguments.expect_files(1, 1, "one file");
  const auto base_name = arguments.value("b");
  const bool empties = !arguments.has("d") && !base_name;
  Images images;
  Layers layers;
  std::string path = arguments.files().front();
  Opening how{.format = arguments.value("f"),
              .for_writing = empties,
              .alone = true,
              .cache = arguments.value("t").value_or("writeback")};
  // The layers above the base, each alone; the base with all that it stands on.
  for (bool reached = false; !reached;) {
    layers.push_back(images.open(path, how));
    const DiskImage& image = expect_image(*layers.back(), "backing file");
    std::error_code ignored;
    path = image.backing_path();
    if (path.empty())
      throw Error::of("{} stands on nothing that it could be written into",
                      layers.back()->node().where());
    if (image.backing_format().empty())
      throw Error(fmt::format("{} does not say of which format {} is",
                              shown(layers.back()->node().where()), shown(path)),
                  "backplane-img rebase -u -b FILE -F FORMAT has it say so");
    how.format = image.backing_format();
    how.for_writing = false;
    reached = !base_name || *base_name == image.backing_file() ||
              std::filesystem::equivalent(path, *base_name, ignored);
  }
  const auto base =
      images.open(path, {.format = how.format, .for_writing = true, .cache = how.cache});
  const u64 size = layers.front()->node().size();
  if (size > base->node().size()) expect_done(base->node(), base->node().grow(size));
  {
    Progress progress(arguments.has("p") && !arguments.has("q"), size);
    write_into(base->node(), layers, progress);
  }
  base->finish();
  if (empties) {
    layers.front()->image()->make_empty();
    layers.front()->finish();
  }
  if (!arguments.has("q")) fmt::print("Image committed.\n");
  return 0;
}

}  // namespace backplane::img
