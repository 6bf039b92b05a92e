// SPDX-License-Identifier: MIT
// compress-zstd: saved machines by Zstandard. [RFC 8878]
#include <zstd.h>

#include "backplane/compressor.h"

namespace backplane {

namespace {

// What keeps up with a disk.
constexpr int kLevel = 1;

class ZstdCompressor final : public Compressor {
 public:
  static void class_init(ObjectClass& k) { k.stateless(); }

  ZstdCompressor() : packer_(ZSTD_createCCtx()), unpacker_(ZSTD_createDCtx()) {
    if (packer_ == nullptr || unpacker_ == nullptr) throw Error("zstd: out of memory");
  }

  void pack(std::span<const u8> data, std::vector<u8>& packed) override {
    const std::size_t before = packed.size();
    packed.resize(before + ZSTD_compressBound(data.size()));
    const std::size_t size =
        ZSTD_compressCCtx(packer_.get(), packed.data() + before, packed.size() - before,
                          data.data(), data.size(), kLevel);
    if (ZSTD_isError(size) != 0) throw Error::of("zstd: {}", ZSTD_getErrorName(size));
    packed.resize(before + size);
  }

  void unpack(std::span<const u8> packed, std::span<u8> data) override {
    const std::size_t size = ZSTD_decompressDCtx(unpacker_.get(), data.data(), data.size(),
                                                 packed.data(), packed.size());
    if (ZSTD_isError(size) != 0) throw Error::of("zstd: {}", ZSTD_getErrorName(size));
    if (size != data.size()) throw Error::of("zstd: gives {} bytes: expects {}", size, data.size());
  }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> packer_;
  std::unique_ptr<ZSTD_DCtx, Free> unpacker_;
};

BACKPLANE_TYPE(ZstdCompressor, "compress-zstd", .description = "Zstandard: fast, and packs well")

}  // namespace

}  // namespace backplane

BACKPLANE_MODULE("compress-zstd", "0.1", "Compression of saved machines by zstd");
