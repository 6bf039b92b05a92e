// SPDX-License-Identifier: MIT
#include "commands/picture_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include "backplane/error.h"

namespace backplane::host {

namespace {

void add_pixels(std::string& bytes, std::span<const u32> row) {
  for (const u32 pixel : row)
    for (const int shift : {16, 8, 0}) bytes += static_cast<char>(pixel >> shift);
}

void add_number(std::string& bytes, u64 value) {
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift);
}

// [PNG §5.3 "Chunk layout"]
void add_chunk(std::string& file, std::string_view type, std::string_view data) {
  add_number(file, data.size());
  const std::size_t checked = file.size();
  file += type;
  file += data;
  add_number(file, crc32(0, reinterpret_cast<const Bytef*>(file.data()) + checked,
                         static_cast<uInt>(file.size() - checked)));
}

std::string deflated(const std::string& bytes) {
  std::string packed(compressBound(bytes.size()), '\0');
  uLongf size = packed.size();
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(),
                Z_DEFAULT_COMPRESSION) != Z_OK)
    throw Error("the picture cannot be compressed: there is no memory left");
  packed.resize(size);
  return packed;
}

}  // namespace

std::string ppm_of(const Screen& screen) {
  std::string file = fmt::format("P6\n{} {}\n255\n", screen.width(), screen.height());
  for (u32 y = 0; y < screen.height(); ++y) add_pixels(file, screen.row(y));
  return file;
}

// [PNG §11.2 "Critical chunks"]
std::string png_of(const Screen& screen) {
  std::string file = "\x89PNG\r\n\x1a\n";
  std::string header;
  add_number(header, screen.width());
  add_number(header, screen.height());
  header += {8, 2, 0, 0, 0};  // eight bits of red, green and blue each
  add_chunk(file, "IHDR", header);
  std::string rows;
  for (u32 y = 0; y < screen.height(); ++y) {
    rows += '\0';  // as they are
    add_pixels(rows, screen.row(y));
  }
  add_chunk(file, "IDAT", deflated(rows));
  add_chunk(file, "IEND", {});
  return file;
}

}  // namespace backplane::host
