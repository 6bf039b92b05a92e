// SPDX-License-Identifier: MIT
#include <algorithm>

#include "arguments.h"
#include "backplane/error.h"
#include "commands.h"
#include "copy.h"
#include "new_image.h"
#include "options/block_protocol.h"

namespace backplane::img {

namespace {

constexpr u64 kMostThreads = 64;

// Whether something of a new image's keys has it written beforehand.
bool is_written(const Wanted& wanted) {
  return std::any_of(wanted.keys.begin(), wanted.keys.end(), [](const auto& key) {
    return key.first == "preallocation" && key.second != "off";
  });
}

unsigned threads_of(const Arguments& arguments) {
  const auto given = arguments.value("m");
  if (!given) return CopyOptions{}.threads;
  const u64 threads = parse_bytes(*given);
  if (threads < 1 || threads > kMostThreads)
    throw Error::of("-m {}: expects 1 to {}", *given, kMostThreads);
  return static_cast<unsigned>(threads);
}

}  // namespace

int convert(const Words& words) {
  const Arguments arguments(words, {{'f', "", true},
                                    {'O', "", true},
                                    {'o', "", true},
                                    {'B', "", true},
                                    {'F', "", true},
                                    {'c', "", false},
                                    {'p', "", false},
                                    {'q', "quiet", false},
                                    {'n', "", false},
                                    {'S', "", true},
                                    {'t', "", true},
                                    {'T', "", true},
                                    {'m', "", true},
                                    {'W', "", false},
                                    {'U', "force-share", false},
                                    {0, "target-is-zero", false}});
  Wanted wanted{.format = arguments.value("O").value_or("raw"),
                .keys = parse_keys(arguments.values("o")),
                .backing = arguments.value("B"),
                .backing_format = arguments.value("F")};
  Images images;
  if (prints_help(wanted)) return 0;
  arguments.expect_files(2, ~std::size_t{0}, "files and a target");
  const bool is_there = arguments.has("n");
  if (is_there && (!wanted.keys.empty() || wanted.backing))
    throw Error("-n: what is there is not made anew, with -o or -B");
  CopyOptions options{.compressed = arguments.has("c"),
                      .any_order = arguments.has("W"),
                      .threads = threads_of(arguments)};
  if (const auto sparse = arguments.value("S")) {
    options.sparse = parse_bytes(*sparse);
    if (options.sparse % kSectorSize != 0)
      throw Error::of("-S {}: expects a multiple of {}", *sparse, kSectorSize);
  }

  std::vector<std::string> files = arguments.files();
  const std::string target_path = files.back();
  files.pop_back();
  std::vector<std::unique_ptr<OpenImage>> sources;
  for (const std::string& file : files)
    sources.push_back(images.open(file, {.format = arguments.value("f"),
                                         .shared = arguments.has("U"),
                                         .cache = arguments.value("T").value_or("writeback")}));
  const Source source(std::move(sources));

  std::optional<u64> size = source.size();
  if (!is_there) {
    const std::unique_ptr<ImageFormat> format = prepare(wanted, size);
    if (size < source.size())
      throw Error::of("size={}: what is copied has {} bytes", *size, source.size());
    make(images, *format, wanted, target_path, *size);
  }
  // Preallocated room stays, with zeroes in it.
  // A raw disk that is no file was not emptied by make(), unless its room was set aside.
  const bool was_emptied =
      wanted.format != "raw" || is_written(wanted) || host::protocol_for(target_path) == "file";
  const bool is_blank = !is_there && !wanted.backing && was_emptied;
  options.target_is_zero = is_blank || arguments.has("target-is-zero");
  if (is_blank && is_written(wanted) && wanted.format == "raw") options.sparse = 0;
  options.keeps_backing = wanted.backing.has_value();
  Opening how{.for_writing = true, .cache = arguments.value("t").value_or("unsafe")};
  how.format = is_there && !arguments.value("O") ? std::nullopt : std::optional(wanted.format);
  const auto target = images.open(target_path, how);
  if (target->node().size() < source.size())
    throw Error::of("{} has {} bytes, which are too few for {}", target_path, target->node().size(),
                    source.size());
  {
    Progress progress(arguments.has("p") && !arguments.has("q"), source.size());
    copy_disk(source, *target, options, progress);
    progress.finish();
  }
  target->finish();
  return 0;
}

}  // namespace backplane::img
