// SPDX-License-Identifier: MIT
#include "overlay.h"

#include <optional>
#include <utility>

#include "devices/temporary_file.h"
#include "new_image.h"

namespace backplane::nbd {

Opened open_overlay(img::Images& images, const std::string& path, const img::Opening& how) {
  img::Opening for_reading = how;
  for_reading.for_writing = false;
  auto below = images.open(path, for_reading);
  std::optional<u64> size = below->node().size();
  img::Wanted wanted{.format = "qcow2", .keys = {}, .backing = {}, .backing_format = {}};
  const host::TemporaryFile file;
  img::make(images, *img::prepare(wanted, size), wanted, file.path(), *size);
  img::Opening overlay = how;
  overlay.format = wanted.format;
  overlay.shared = false;
  overlay.cache = "unsafe";
  overlay.more.emplace_back("backing", below->node().id());
  auto image = images.open(file.path(), overlay);
  return {.below = std::move(below), .image = std::move(image)};
}

}  // namespace backplane::nbd
