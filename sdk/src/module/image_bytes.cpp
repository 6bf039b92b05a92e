// SPDX-License-Identifier: MIT
#include "module/image_bytes.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace backplane {

namespace {

// No name or path is longer; a file may say that one is as long as itself.
constexpr u64 kLongestString = 16_KiB;
constexpr u64 kPage = 4_KiB;

}  // namespace

void ImageBytes::read(u64 offset, void* out, std::size_t length, std::string_view what) const {
  if (!contains(offset, length))
    throw Error::of("truncated or damaged: {} is at bytes {} to {} of a file of {} bytes", what,
                    offset, offset + std::min<u64>(length, ~offset), size_);
  copy(offset, out, length);
}

std::string ImageBytes::read_text(u64 offset, std::size_t length, std::string_view what) const {
  if (!contains(offset, length)) read(offset, nullptr, length, what);
  std::string text(length, '\0');
  copy(offset, text.data(), length);
  return text;
}

std::string ImageBytes::read_string(u64 offset, u64 end, std::string_view what) const {
  constexpr std::size_t kStep = 256;
  std::string text;
  end = std::min({end, size_, offset + std::min(kLongestString, ~offset)});
  while (offset < end) {
    std::array<char, kStep> piece;
    const auto length = static_cast<std::size_t>(std::min<u64>(kStep, end - offset));
    copy(offset, piece.data(), length);
    const auto nul = std::find(piece.begin(), piece.begin() + length, '\0');
    text.append(piece.begin(), nul);
    if (nul != piece.begin() + length) return text;
    offset += length;
  }
  throw Error::of("damaged: {} does not end", what);
}

FileImage FileImage::open(const std::filesystem::path& path) {
  HostFile file;
  // Not to be held up by a FIFO that carries a module's name.
  const int error = file.open(path, HostFile::OnPipe::Proceed);
  if (error == EACCES)
    throw Error::system("cannot be read", error).with_hint("chmod a+r " + path.string());
  if (error != 0)
    throw Error::system("cannot be read", error).with_hint("reinstall the module's package");
  if (file.kind() != HostFile::Kind::Regular)
    throw Error("is not a regular file").with_hint("remove it from the module directory");
  return FileImage(std::move(file));
}

const std::vector<u8>& FileImage::page(u64 number) const {
  if (const auto known = pages_.find(number); known != pages_.end()) return known->second;
  std::vector<u8> bytes(std::min(kPage, size() - number * kPage));
  const i64 count = file_.read_at(number * kPage, bytes.data(), bytes.size());
  if (count < 0) throw Error::system("cannot be read", static_cast<int>(-count));
  if (static_cast<u64>(count) != bytes.size()) throw Error("truncated while it was read");
  return pages_.emplace(number, std::move(bytes)).first->second;
}

void FileImage::copy(u64 offset, void* out, std::size_t length) const {
  u8* to = static_cast<u8*>(out);
  while (length != 0) {
    const std::vector<u8>& bytes = page(offset / kPage);
    const std::size_t count = std::min<u64>(length, bytes.size() - offset % kPage);
    std::memcpy(to, bytes.data() + offset % kPage, count);
    to += count;
    offset += count;
    length -= count;
  }
}

}  // namespace backplane
