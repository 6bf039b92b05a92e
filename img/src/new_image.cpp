// SPDX-License-Identifier: MIT
#include "new_image.h"

#include <filesystem>

#include "arguments.h"
#include "backplane/error.h"
#include "backplane/object.h"
#include "options/block_protocol.h"

namespace backplane::img {

bool prints_help(const Wanted& wanted) {
  for (const auto& [key, value] : wanted.keys) {
    if (key != "help" && key != "?") continue;
    fmt::print("Supported options:\n");
    const ObjectClass& k = class_of_kind(kImageFormatKind, wanted.format);
    for (const PropertyDescription& property : describe_properties(k))
      fmt::print("  {}=<{}> - {} (default: {})\n", property.name, property.type_name,
                 property.description, scalar_text(property.default_value));
    fmt::print(
        "  backing_file=<str> - what the image stands on\n"
        "  backing_fmt=<str> - the format of that\n"
        "  size=<size> - bytes of the disk\n");
    return true;
  }
  return false;
}

std::unique_ptr<ImageFormat> prepare(Wanted& wanted, std::optional<u64>& size) {
  std::unique_ptr<ImageFormat> format = create_image_format(wanted.format);
  for (const auto& [key, value] : wanted.keys) {
    if (key == "backing_file")
      wanted.backing = value;
    else if (key == "backing_fmt")
      wanted.backing_format = value;
    else if (key == "size")
      size = parse_bytes(value);
    else
      format->set_property(key, value);
  }
  if (wanted.backing && wanted.backing->empty()) wanted.backing.reset();
  if (wanted.backing) {
    const std::string protocol = host::protocol_for(*wanted.backing);
    if (protocol != "file" && protocol != "host_device")
      throw Error::of("{}: an image can stand on a file alone", shown(*wanted.backing));
  }
  if (wanted.backing && !wanted.backing_format)
    throw Error(fmt::format("{}: its format is not given", shown(*wanted.backing)),
                "-F FORMAT says it");
  return format;
}

void make(Images& images, ImageFormat& format, const Wanted& wanted, const std::string& path,
          u64 size) {
  const auto file = images.make_file(path);
  format.make(file->node(), {.size = size,
                             .backing_file = wanted.backing.value_or(""),
                             .backing_format = wanted.backing_format.value_or("")});
}

std::string path_of_backing(const std::string& image, const std::string& backing) {
  if (std::filesystem::path(backing).is_absolute()) return backing;
  return (std::filesystem::path(image).parent_path() / backing).string();
}

}  // namespace backplane::img
