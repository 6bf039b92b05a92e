// SPDX-License-Identifier: MIT
#include "arguments.h"
#include "backplane/error.h"
#include "backplane/json.h"
#include "commands.h"
#include "images.h"
#include "new_image.h"

namespace backplane::img {

namespace {

// Clusters of that size in which the disk has data.
u64 clusters_with_data(BlockNode& node, u64 cluster_size) {
  u64 clusters = 0;
  u64 counted_to = 0;  // clusters before are counted
  for (u64 at = 0; at < node.size();) {
    const Layer layer = layer_at(node, at, node.size() - at);
    const u64 end = at + layer.extent.size;
    if (layer.extent.data && !layer.extent.zero) {
      const u64 first = std::max(counted_to, at / cluster_size);
      counted_to = (end + cluster_size - 1) / cluster_size;
      clusters += counted_to - std::min(counted_to, first);
    }
    at = end;
  }
  return clusters;
}

}  // namespace

int measure(const Words& words) {
  const Arguments arguments(words, {{'f', "", true},
                                    {'O', "", true},
                                    {'o', "", true},
                                    {'U', "force-share", false},
                                    {0, "size", true},
                                    {0, "output", true}});
  arguments.expect_files(0, 1, "one file, or --size");
  const bool json = arguments.wants_json();
  Wanted wanted{.format = arguments.value("O").value_or("raw"),
                .keys = parse_keys(arguments.values("o"))};
  Images images;
  if (prints_help(wanted)) return 0;
  std::optional<u64> size;
  const std::unique_ptr<ImageFormat> format = prepare(wanted, size);
  if (const auto given = arguments.value("size")) size = parse_bytes(*given);
  if (size.has_value() != arguments.files().empty())
    throw Error("expects a file, or --size, and not both");
  u64 clusters = 0;
  if (!size) {
    const auto opened = images.open(arguments.files().front(),
                                    {.format = arguments.value("f"), .shared = arguments.has("U")});
    size = opened->node().size();
    clusters = clusters_with_data(opened->node(), format->cluster_size());
  }
  *size = (*size + kSectorSize - 1) / kSectorSize * kSectorSize;
  const ImageMeasure needed = format->measure(*size, clusters);
  if (json)
    fmt::print("{}\n", to_json(Value::Record{{"required", needed.required},
                                             {"fully-allocated", needed.fully_allocated}}));
  else
    fmt::print("required size: {}\nfully allocated size: {}\n", needed.required,
               needed.fully_allocated);
  return 0;
}

}  // namespace backplane::img
