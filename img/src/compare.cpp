// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include "arguments.h"
#include "backplane/error.h"
#include "backplane/log.h"
#include "commands.h"
#include "images.h"
#include "progress.h"
#include "zeroes.h"

namespace backplane::img {

namespace {

enum Status { kSame = 0, kDifferent = 1, kCannotOpen = 2, kCannotRead = 4 };

constexpr u64 kPiece = 2_MiB;

class Comparison {
 public:
  Comparison(BlockNode& first, BlockNode& second, bool strict, bool quiet)
      : first_(first), second_(second), strict_(strict), quiet_(quiet) {}

  Status run(Progress& progress);

 private:
  Status compare(u64 offset, u64& size);
  // Beyond the end of the shorter one, only zeroes are the same.
  Status compare_rest(BlockNode& node, u64 offset, u64& size);
  Status differ(const std::string& how) const {
    if (!quiet_) fmt::print("{}\n", how);
    return kDifferent;
  }
  static std::span<u8> read(BlockNode& node, u64 offset, u64 size, std::vector<u8>& buffer) {
    buffer.resize(kPiece);
    expect_done(node, node.read(offset, buffer.data(), size));
    return {buffer.data(), size};
  }

  BlockNode& first_;
  BlockNode& second_;
  const bool strict_;
  const bool quiet_;
  std::vector<u8> first_bytes_;
  std::vector<u8> second_bytes_;
};

Status Comparison::compare_rest(BlockNode& node, u64 offset, u64& size) {
  const Layer layer = layer_at(node, offset, size);
  size = layer.extent.size;
  if (layer.extent.zero) return kSame;
  size = std::min(size, kPiece);
  const std::span<const u8> data = read(node, offset, size, first_bytes_);
  if (is_zero(data)) return kSame;
  const auto at = std::find_if(data.begin(), data.end(), [](u8 byte) { return byte != 0; });
  return differ(
      fmt::format("Content mismatch at offset {}!", offset + static_cast<u64>(at - data.begin())));
}

Status Comparison::compare(u64 offset, u64& size) {
  const Layer first = layer_at(first_, offset, size);
  const Layer second = layer_at(second_, offset, first.extent.size);
  size = second.extent.size;
  if (strict_ &&
      (first.extent.data != second.extent.data || first.extent.zero != second.extent.zero))
    return differ(fmt::format("Strict mode: Offset {} block status mismatch!", offset));
  if (first.extent.zero && second.extent.zero) return kSame;
  if (first.extent.zero) return compare_rest(second_, offset, size);
  if (second.extent.zero) return compare_rest(first_, offset, size);
  size = std::min(size, kPiece);
  const std::span<const u8> here = read(first_, offset, size, first_bytes_);
  const std::span<const u8> there = read(second_, offset, size, second_bytes_);
  const auto at = std::mismatch(here.begin(), here.end(), there.begin()).first;
  if (at == here.end()) return kSame;
  return differ(
      fmt::format("Content mismatch at offset {}!", offset + static_cast<u64>(at - here.begin())));
}

Status Comparison::run(Progress& progress) {
  const u64 common = std::min(first_.size(), second_.size());
  const u64 longest = std::max(first_.size(), second_.size());
  if (common != longest) {
    if (strict_) return differ("Strict mode: Image size mismatch!");
    if (!quiet_) fmt::print("Warning: Image size mismatch!\n");
  }
  BlockNode& longer = first_.size() > second_.size() ? first_ : second_;
  for (u64 at = 0; at < longest;) {
    u64 size = (at < common ? common : longest) - at;
    const Status status = at < common ? compare(at, size) : compare_rest(longer, at, size);
    if (status != kSame) return status;
    progress.add(size);
    at += size;
  }
  progress.finish();
  return kSame;
}

}  // namespace

int compare(const Words& words) {
  const Arguments arguments(words, {{'f', "", true},
                                    {'F', "", true},
                                    {'T', "", true},
                                    {'s', "", false},
                                    {'p', "", false},
                                    {'q', "quiet", false},
                                    {'U', "force-share", false}});
  std::unique_ptr<Images> images;
  std::unique_ptr<OpenImage> first;
  std::unique_ptr<OpenImage> second;
  const auto reported = [](const Error& error, Status status) {
    log::report(error.line());
    return status;
  };
  try {
    arguments.expect_files(2, 2, "two files");
    images = std::make_unique<Images>();
    Opening how{.format = arguments.value("f"),
                .shared = arguments.has("U"),
                .cache = arguments.value("T").value_or("writeback")};
    first = images->open(arguments.files()[0], how);
    how.format = arguments.value("F");
    second = images->open(arguments.files()[1], how);
  } catch (const Error& error) {
    return reported(error, kCannotOpen);
  }
  const bool quiet = arguments.has("q");
  try {
    Status status;
    {
      Progress progress(arguments.has("p") && !quiet,
                        std::max(first->node().size(), second->node().size()));
      status = Comparison(first->node(), second->node(), arguments.has("s"), quiet).run(progress);
    }
    if (status == kSame && !quiet) fmt::print("Images are identical.\n");
    return status;
  } catch (const Error& error) {
    return reported(error, kCannotRead);
  }
}

}  // namespace backplane::img
