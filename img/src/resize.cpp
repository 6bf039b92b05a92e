// SPDX-License-Identifier: MIT
#include <filesystem>

#include "arguments.h"
#include "backplane/error.h"
#include "backplane/property.h"
#include "commands.h"
#include "images.h"

namespace backplane::img {

namespace {

u64 wanted_size(const std::string& text, u64 size) {
  const bool longer = text.starts_with('+');
  const bool shorter = text.starts_with('-');
  const u64 given = parse_bytes(std::string_view(text).substr(longer || shorter ? 1 : 0));
  if (!longer && !shorter) return given;
  if (shorter && given > size) throw Error::of("{}: the disk has {} bytes", text, size);
  return longer ? size + given : size - given;
}

void shrink(std::unique_ptr<OpenImage> opened, const std::string& path, u64 size) {
  if (DiskImage* const image = opened->image()) {
    image->shrink(size);
    opened->finish();
    return;
  }
  opened->finish();
  std::error_code failed;
  std::filesystem::resize_file(path, size, failed);
  if (failed) throw Error::system("cannot make " + path + " shorter", failed.value());
}

}  // namespace

int resize(const Words& words) {
  // "-5G" is a size, and no option.
  Words options = words;
  std::string size_text;
  if (!options.empty()) {
    size_text = options.back();
    options.pop_back();
  }
  const Arguments arguments(
      options,
      {{'f', "", true}, {'q', "quiet", false}, {0, "preallocation", true}, {0, "shrink", false}});
  arguments.expect_files(1, 1, "a file and a size");
  const std::string& path = arguments.files().front();
  const auto preallocation =
      PropertyTraits<Preallocation>::parse(arguments.value("preallocation").value_or("off"));
  Images images;
  auto opened = images.open(path, {.format = arguments.value("f"), .for_writing = true});
  BlockNode& node = opened->node();
  const u64 before = node.size();
  const u64 size = (wanted_size(size_text, before) + kSectorSize - 1) / kSectorSize * kSectorSize;
  if (size < before) {
    if (!arguments.has("shrink"))
      throw Error::of(
          "{} bytes are less than {}: what is behind them would be lost; --shrink allows that",
          size, before);
    shrink(std::move(opened), path, size);
  } else {
    if (preallocation != Preallocation::Off &&
        (opened->image() != nullptr || preallocation == Preallocation::Metadata))
      throw Error("--preallocation: is for raw images, as falloc or full");
    expect_done(node, node.grow(size));
    if (preallocation != Preallocation::Off)
      expect_done(node, set_aside(node, before, size - before, preallocation));
    opened->finish();
  }
  if (!arguments.has("q")) fmt::print("Image resized.\n");
  return 0;
}

}  // namespace backplane::img
