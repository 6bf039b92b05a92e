// SPDX-License-Identifier: MIT
#include "arguments.h"
#include "backplane/error.h"
#include "commands.h"
#include "images.h"
#include "new_image.h"

namespace backplane::img {

int create(const Words& words) {
  const Arguments arguments(words, {{'f', "", true},
                                    {'b', "", true},
                                    {'F', "", true},
                                    {'o', "", true},
                                    {'u', "", false},
                                    {'q', "quiet", false}});
  Wanted wanted{.format = arguments.value("f").value_or("raw"),
                .keys = parse_keys(arguments.values("o")),
                .backing = arguments.value("b"),
                .backing_format = arguments.value("F")};
  Images images;
  if (prints_help(wanted)) return 0;
  arguments.expect_files(1, 2, "a file and a size");
  const std::string& path = arguments.files().front();
  std::optional<u64> size;
  const std::unique_ptr<ImageFormat> format = prepare(wanted, size);
  if (arguments.files().size() == 2) size = parse_bytes(arguments.files().back());
  if (wanted.backing && !arguments.has("u")) {
    const auto backing = images.open(path_of_backing(path, *wanted.backing),
                                     {.format = wanted.backing_format, .shared = true});
    if (!size) size = backing->node().size();
  }
  if (!size) throw Error("no size is given for " + shown(path), "it follows the file");
  *size = (*size + kSectorSize - 1) / kSectorSize * kSectorSize;
  if (!arguments.has("q")) {
    std::string text = fmt::format("Formatting '{}', fmt={} size={}", path, wanted.format, *size);
    if (wanted.backing)
      text +=
          fmt::format(" backing_file={} backing_fmt={}", *wanted.backing, *wanted.backing_format);
    for (const auto& [key, value] : wanted.keys)
      if (key != "size" && !key.starts_with("backing_")) text += fmt::format(" {}={}", key, value);
    fmt::print("{}\n", text);
  }
  make(images, *format, wanted, path, *size);
  return 0;
}

}  // namespace backplane::img
