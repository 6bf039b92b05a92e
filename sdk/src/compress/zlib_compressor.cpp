// SPDX-License-Identifier: MIT
// compress-zlib: what is there on every system. [RFC 1950]
#include <zlib.h>

#include "backplane/compressor.h"

namespace backplane {

namespace {

class ZlibCompressor final : public Compressor {
 public:
  static void class_init(ObjectClass& k) { k.stateless(); }

  void pack(std::span<const u8> data, std::vector<u8>& packed) override {
    const std::size_t before = packed.size();
    uLongf size = compressBound(static_cast<uLong>(data.size()));
    packed.resize(before + size);
    if (compress2(packed.data() + before, &size, data.data(), static_cast<uLong>(data.size()),
                  Z_BEST_SPEED) != Z_OK)
      throw Error("zlib: out of memory");
    packed.resize(before + size);
  }

  void unpack(std::span<const u8> packed, std::span<u8> data) override {
    auto size = static_cast<uLongf>(data.size());
    auto used = static_cast<uLong>(packed.size());
    switch (uncompress2(data.data(), &size, packed.data(), &used)) {
      case Z_OK:
        break;
      case Z_MEM_ERROR:
        throw Error("zlib: out of memory");
      case Z_BUF_ERROR:
        throw Error("zlib: the data does not fit what it was made of");
      default:
        throw Error("zlib: the data is damaged");
    }
    if (size != data.size() || used != packed.size())
      throw Error::of("zlib: gives {} bytes: expects {}", size, data.size());
  }
};

BACKPLANE_TYPE(ZlibCompressor, "compress-zlib", .description = "zlib's, which is always there")

}  // namespace

}  // namespace backplane
