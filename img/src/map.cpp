// SPDX-License-Identifier: MIT
#include "arguments.h"
#include "backplane/error.h"
#include "backplane/json.h"
#include "commands.h"
#include "images.h"

namespace backplane::img {

namespace {

struct Part {
  u64 start = 0;
  Layer layer;

  bool goes_on_with(const Part& next) const {
    const Extent& here = layer.extent;
    const Extent& there = next.layer.extent;
    return layer.node == next.layer.node && here.present == there.present &&
           here.zero == there.zero && here.data == there.data &&
           here.compressed == there.compressed && here.host.has_value() == there.host.has_value() &&
           (!here.host || *here.host + here.size == *there.host);
  }
};

std::vector<Part> parts_of(BlockNode& node, u64 start, u64 end) {
  std::vector<Part> parts;
  for (u64 at = start; at < end;) {
    Part part{at, layer_at(node, at, end - at)};
    at += part.layer.extent.size;
    if (!parts.empty() && parts.back().goes_on_with(part))
      parts.back().layer.extent.size += part.layer.extent.size;
    else
      parts.push_back(part);
  }
  return parts;
}

Value value_of(const Part& part) {
  const Extent& extent = part.layer.extent;
  Value::Record record{{"start", part.start},
                       {"length", extent.size},
                       {"depth", part.layer.depth},
                       {"present", extent.present},
                       {"zero", extent.zero},
                       {"data", extent.data},
                       {"compressed", extent.compressed}};
  if (extent.host) record.push_back({"offset", *extent.host});
  return record;
}

// As C's printf() does it: zero is "0".
std::string hexadecimal(u64 number) { return number == 0 ? "0" : fmt::format("{:#x}", number); }

}  // namespace

int map(const Words& words) {
  const Arguments arguments(words, {{'f', "", true},
                                    {'s', "start-offset", true},
                                    {'l', "max-length", true},
                                    {'U', "force-share", false},
                                    {0, "output", true}});
  arguments.expect_files(1, 1, "one file");
  const bool json = arguments.wants_json();
  Images images;
  const auto opened = images.open(arguments.files().front(),
                                  {.format = arguments.value("f"), .shared = arguments.has("U")});
  BlockNode& node = opened->node();
  const u64 start = std::min(node.size(), parse_bytes(arguments.value("s").value_or("0")));
  u64 length = node.size() - start;
  if (const auto most = arguments.value("l")) length = std::min(length, parse_bytes(*most));
  const std::vector<Part> parts = parts_of(node, start, start + length);
  if (json) {
    Value::List list;
    for (const Part& part : parts) list.push_back(value_of(part));
    fmt::print("{}\n", to_json(list));
    return 0;
  }
  fmt::print("{:<16}{:<16}{:<16}{}\n", "Offset", "Length", "Mapped to", "File");
  for (const Part& part : parts) {
    const Extent& extent = part.layer.extent;
    if (!extent.data || extent.zero) continue;
    if (!extent.host)
      throw Error::of("{} is compressed at {:#x}, which is nowhere as it is: --output=json says it",
                      part.layer.node->where(), part.start);
    fmt::print("{:<16}{:<16}{:<16}{}\n", hexadecimal(part.start), hexadecimal(extent.size),
               hexadecimal(*extent.host), printable(part.layer.node->where()));
  }
  return 0;
}

}  // namespace backplane::img
