// SPDX-License-Identifier: MIT
#include "block/raw_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "backplane/error.h"
#include "backplane/log.h"
#include "block/buffers.h"

namespace backplane {

namespace {

constexpr u64 kSectorSize = 512;

std::string readable_size(u64 bytes) {
  for (const auto& [unit, name] : {std::pair{1_GiB, "GiB"}, {1_MiB, "MiB"}, {1_KiB, "KiB"}})
    if (bytes >= unit && bytes % unit == 0) return fmt::format("{} {}", bytes / unit, name);
  return fmt::format("{} bytes", bytes);
}

// The most common mistake that raw images cannot tell by themselves.
void warn_about_other_formats(const ImageFile& file, const std::string& path) {
  std::array<char, 4> start{};
  if (file.read(0, {{start.data(), start.size()}}) != 0) return;
  const std::string_view magic(start.data(), start.size());
  if (magic == "QFI\xfb" || magic == "KDMV" || magic == "conn")
    log::warn(path +
              " looks like an image of another format, but is used as raw: the guest sees "
              "the file as it is (qemu-img convert -O raw makes a raw image of it)");
}

// Refuses what is no image before anything is opened.
const BlockOptions& checked(const BlockOptions& options) {
  constexpr std::array kCacheModes{"writeback", "none", "writethrough", "directsync", "unsafe"};
  if (std::find(kCacheModes.begin(), kCacheModes.end(), options.cache) == kCacheModes.end())
    throw Error::of(
        "cache={} is no cache mode: expects writeback, none, writethrough, directsync or unsafe",
        options.cache);
  if (options.file.empty()) throw Error("file is missing: expects the path of an image");
  return options;
}

}  // namespace

RawImage::RawImage(const BlockOptions& options)
    : path_(options.file),
      cache_(options.cache),
      file_(checked(options)),
      write_through_(cache_ == "writethrough" || cache_ == "directsync"),
      ignore_flush_(cache_ == "unsafe"),
      pass_discards_(options.discard),
      detect_zeroes_(options.detect_zeroes) {
  if (size() % kSectorSize != 0)
    throw Error(
        fmt::format("{} has {} bytes: expects a multiple of {}", path_, size(), kSectorSize),
        fmt::format("truncate -s %{} {} makes it one", kSectorSize, path_));
  if (cache_ == "none" || cache_ == "directsync") file_.bypass_cache();
  warn_about_other_formats(file_, path_);
}

std::string RawImage::describe() const {
  return fmt::format("{}, raw, {}, {}, cache={}", path_, readable_size(size()),
                     read_only() ? "read-only" : "read-write", cache_);
}

std::string RawImage::explain(int result) const {
  if (const u64 now = file_.size_now(); result == -EIO && now < size())
    return fmt::format("{} has become shorter: {} instead of {}", path_, readable_size(now),
                       readable_size(size()));
  return path_ + ": " + std::generic_category().message(-result);
}

int RawImage::end_of_write(int result) { return result == 0 && write_through_ ? flush() : result; }

int RawImage::check_end(u64 offset, u64 size) const {
  return offset + size <= file_.size_now() ? 0 : -EIO;
}

int RawImage::write(u64 offset, const std::vector<iovec>& iov) {
  u64 size = 0;
  total_size(iov, size);
  if (detect_zeroes_ != DetectZeroes::Off && all_zero(iov)) {
    return write_zeroes(offset, size, detect_zeroes_ == DetectZeroes::Unmap);
  }
  if (const int error = check_end(offset, size); error != 0) return error;
  return end_of_write(file_.write(offset, iov));
}

int RawImage::flush() {
  if (ignore_flush_) return 0;
  if (lost_data_.load(std::memory_order_relaxed)) return -EIO;
  const int result = file_.sync();
  if (result != 0 && !read_only()) lost_data_.store(true, std::memory_order_relaxed);
  return result;
}

int RawImage::discard(u64 offset, u64 size) {
  if (!pass_discards_ || size == 0) return 0;
  if (const int error = check_end(offset, size); error != 0) return error;
  const int result = file_.punch_hole(offset, size);
  if (result != 0 && result != -EOPNOTSUPP) return result;
  return end_of_write(0);
}

int RawImage::write_zeroes(u64 offset, u64 size, bool may_unmap) {
  if (size == 0) return 0;
  if (const int error = check_end(offset, size); error != 0) return error;
  int result = -EOPNOTSUPP;
  if (may_unmap && pass_discards_) result = file_.punch_hole(offset, size);
  if (result == -EOPNOTSUPP) result = file_.zero_range(offset, size);
  if (result == -EOPNOTSUPP) result = write_zero_data(offset, size);
  return end_of_write(result);
}

int RawImage::write_zero_data(u64 offset, u64 size) {
  // Writing only reads from it.
  alignas(4096) static u8 zeroes[64_KiB];
  constexpr u64 kStep = 4_MiB;
  while (size != 0) {
    const u64 step = std::min(size, kStep);
    std::vector<iovec> iov;
    for (u64 done = 0; done < step; done += sizeof zeroes)
      iov.push_back({zeroes, std::min<u64>(step - done, sizeof zeroes)});
    if (const int result = file_.write(offset, iov); result != 0) return result;
    offset += step;
    size -= step;
  }
  return 0;
}

}  // namespace backplane
