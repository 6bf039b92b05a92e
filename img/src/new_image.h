// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backplane/image.h"
#include "images.h"

namespace backplane::img {

// An image that is to be made, as options say.
struct Wanted {
  std::string format = "raw";
  std::vector<std::pair<std::string, std::string>> keys;  // of -o
  std::optional<std::string> backing;
  std::optional<std::string> backing_format;
};

// Whether the keys ask what there is, which is printed then.
bool prints_help(const Wanted& wanted);
// The format with its properties set, what is not its own taken out of the keys: what the image
// stands on (into `wanted`), and its size.
std::unique_ptr<ImageFormat> prepare(Wanted& wanted, std::optional<u64>& size);
// Makes it; its path stays without an image if that cannot be. Throws Error.
void make(Images& images, ImageFormat& format, const Wanted& wanted, const std::string& path,
          u64 size);
// The path of what a new image stands on, as the program has to open it.
std::string path_of_backing(const std::string& image, const std::string& backing);

}  // namespace backplane::img
