// SPDX-License-Identifier: MIT
#include "compression.h"

#include <zlib.h>

#include <cerrno>
#include <utility>

#include "backplane/error.h"
#include "zstd_frame.h"

namespace backplane::qcow2 {

namespace {

constexpr int kWindowBits = -12;  // no header, 4 KiB
constexpr int kMemoryLevel = 8;

struct Deflate {
  explicit Deflate() {
    ok = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindowBits, kMemoryLevel,
                      Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Deflate() {
    if (ok) deflateEnd(&stream);
  }
  z_stream stream{};
  bool ok = false;
};

int deflate_all(std::span<const u8> data, std::vector<u8>& packed) {
  // Its state is large, and one thread packs many clusters.
  thread_local Deflate deflater;
  if (!deflater.ok || deflateReset(&deflater.stream) != Z_OK) return -ENOMEM;
  z_stream& stream = deflater.stream;
  packed.resize(data.size());
  stream.next_in = const_cast<Bytef*>(data.data());
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  packed.resize(done ? packed.size() - stream.avail_out : 0);
  return 0;
}

int inflate_all(std::span<const u8> packed, std::span<u8> data) {
  z_stream stream{};
  if (inflateInit2(&stream, kWindowBits) != Z_OK) return -ENOMEM;
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = data.data();
  stream.avail_out = static_cast<uInt>(data.size());
  const int result = inflate(&stream, Z_FINISH);
  const bool full = stream.avail_out == 0;
  inflateEnd(&stream);
  return full && (result == Z_STREAM_END || result == Z_BUF_ERROR) ? 0 : -EIO;
}

}  // namespace

void Codec::expect_usable() {
  if (compression_ == Compression::Zstd) give(create_compressor("zstd"));
}

std::unique_ptr<Compressor> Codec::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Compressor> compressor = std::move(idle_.back());
      idle_.pop_back();
      return compressor;
    }
  }
  return create_compressor("zstd");
}

void Codec::give(std::unique_ptr<Compressor> compressor) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(compressor));
}

int Codec::pack(std::span<const u8> data, std::vector<u8>& packed) {
  packed.clear();
  if (compression_ == Compression::Zlib) return deflate_all(data, packed);
  try {
    std::unique_ptr<Compressor> compressor = take();
    compressor->pack(data, packed);
    give(std::move(compressor));
  } catch (const Error&) {
    return -EIO;
  }
  if (packed.size() >= data.size()) packed.clear();
  return 0;
}

int Codec::unpack(std::span<const u8> packed, std::span<u8> data) {
  if (compression_ == Compression::Zlib) return inflate_all(packed, data);
  const std::size_t size = zstd_frame_size(packed);
  if (size == 0) return -EIO;
  try {
    std::unique_ptr<Compressor> compressor = take();
    compressor->unpack(packed.first(size), data);
    give(std::move(compressor));
  } catch (const Error&) {
    return -EIO;
  }
  return 0;
}

}  // namespace backplane::qcow2
