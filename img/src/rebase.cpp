// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include "arguments.h"
#include "backplane/error.h"
#include "commands.h"
#include "images.h"
#include "new_image.h"
#include "progress.h"

namespace backplane::img {

namespace {

constexpr u64 kPiece = 1_MiB;

// What a node has there, or zeroes beyond its end. Null: there is no node.
void read_from(BlockNode* node, u64 offset, std::vector<u8>& bytes) {
  std::fill(bytes.begin(), bytes.end(), u8{0});
  if (node == nullptr || offset >= node->size()) return;
  expect_done(*node,
              node->read(offset, bytes.data(), std::min<u64>(bytes.size(), node->size() - offset)));
}

// Gives the image what shows from below now and would not any more.
void keep_content(BlockNode& top, BlockNode* old_backing, BlockNode* new_backing,
                  Progress& progress) {
  std::vector<u8> before;
  std::vector<u8> after;
  for (u64 at = 0; at < top.size();) {
    Extent extent;
    expect_done(top, extent_of(top, at, top.size() - at, extent));
    if (!extent.present) {
      extent.size = std::min(extent.size, kPiece);
      before.resize(extent.size);
      after.resize(extent.size);
      read_from(old_backing, at, before);
      read_from(new_backing, at, after);
      if (before != after) expect_done(top, top.write(at, before.data(), before.size()));
    }
    progress.add(extent.size);
    at += extent.size;
  }
  progress.finish();
}

}  // namespace

int rebase(const Words& words) {
  const Arguments arguments(words, {{'f', "", true},
                                    {'b', "", true},
                                    {'F', "", true},
                                    {'u', "", false},
                                    {'p', "", false},
                                    {'q', "quiet", false},
                                    {'t', "", true},
                                    {'T', "", true}});
  arguments.expect_files(1, 1, "one file");
  const auto backing = arguments.value("b");
  if (!backing) throw Error("no backing file is given", "-b FILE does it, -b '' is none");
  const std::string format = arguments.value("F").value_or("");
  if (!backing->empty() && format.empty())
    throw Error(fmt::format("{}: its format is not given", shown(*backing)), "-F FORMAT says it");
  const std::string& path = arguments.files().front();
  const bool unsafe = arguments.has("u");
  Images images;
  const auto opened = images.open(path, {.format = arguments.value("f"),
                                         .for_writing = true,
                                         .alone = unsafe,
                                         .cache = arguments.value("t").value_or("writeback")});
  DiskImage& image = expect_image(*opened, "backing file");
  if (!unsafe) {
    std::unique_ptr<OpenImage> new_backing;
    if (!backing->empty())
      new_backing = images.open(path_of_backing(path, *backing), {.format = format});
    Progress progress(arguments.has("p") && !arguments.has("q"), opened->node().size());
    keep_content(opened->node(), image.backing(),
                 new_backing == nullptr ? nullptr : &new_backing->node(), progress);
  }
  image.set_backing(*backing, format);
  opened->finish();
  return 0;
}

}  // namespace backplane::img
