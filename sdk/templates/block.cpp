// SPDX-License-Identifier: MIT
// A block format: a disk of which every byte below is the other way round (XOR with a key), as the
// simplest of ciphers. It lies on another node: -blockdev driver=@STEM@,key=0x5a,file=ID
#include <backplane/block.h>
#include <backplane/module.h>

#include <vector>

using namespace backplane;

namespace {

class @CLASS@ final : public BlockFormat {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&@CLASS@::key_>("key", "what each byte is XORed with");
  }

 protected:
  void open_format() override {
    if (key_ == 0) throw Error("key is missing: expects 1 to 255");
  }

  int do_read(u64 offset, std::span<const iovec> iov) override {
    if (const int result = below().read(offset, iov)) return result;
    for (const iovec& piece : iov) turn(static_cast<u8*>(piece.iov_base), piece.iov_len);
    return 0;
  }

  // What is written is the guest's own memory, so it is copied first.
  int do_write(u64 offset, std::span<const iovec> iov) override {
    std::vector<u8> bytes;
    for (const iovec& piece : iov) {
      const auto* const data = static_cast<const u8*>(piece.iov_base);
      bytes.assign(data, data + piece.iov_len);
      turn(bytes.data(), bytes.size());
      if (const int result = below().write(offset, bytes.data(), bytes.size())) return result;
      offset += piece.iov_len;
    }
    return 0;
  }

  // Zeroes of the disk are none below.
  int do_write_zeroes(u64 offset, u64 size, bool may_unmap) override {
    return BlockNode::do_write_zeroes(offset, size, may_unmap);
  }

 private:
  void turn(u8* bytes, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) bytes[i] ^= key_;
  }

  u8 key_ = 0;
};

BACKPLANE_TYPE(@CLASS@, "@TYPE@", .description = "Bytes XORed with a key")

}  // namespace

BACKPLANE_MODULE("@MODULE@", "0.1", "A block format that XORs bytes with a key", "MIT")
