// SPDX-License-Identifier: MIT
// An NBD client that says anything, mostly something that begins as it should. What reaches the
// disk has to lie on it, and the session has to come to an end.
#include <cstring>

#include "backplane/testing/test_machine.h"
#include "peer.h"
#include "server/session.h"

namespace backplane::fuzz {
namespace {

constexpr u64 kSize = 64_KiB + 512;

class Disk final : public BlockNode {
 public:
  static void class_init(ObjectClass&) {}
  u64 size() const override { return kSize; }

 protected:
  int do_read(u64 offset, std::span<const iovec> iov) override {
    for (const iovec& piece : iov) {
      expect_inside(offset, piece.iov_len);
      std::memset(piece.iov_base, 0x5a, piece.iov_len);
      offset += piece.iov_len;
    }
    return 0;
  }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    for (const iovec& piece : iov) {
      expect_inside(offset, piece.iov_len);
      offset += piece.iov_len;
    }
    return 0;
  }
  int do_discard(u64 offset, u64 size) override { return expect_inside(offset, size); }
  int do_write_zeroes(u64 offset, u64 size, bool) override { return expect_inside(offset, size); }

 private:
  static int expect_inside(u64 offset, u64 size) {
    if (offset > kSize || size > kSize - offset) __builtin_trap();
    return 0;
  }
};
BACKPLANE_TYPE(Disk, "block-fuzz")

void add_option(Input& input, std::vector<u8>& to) {
  constexpr u32 kOptions[] = {
      nbd::kOptExportName,      nbd::kOptList,           nbd::kOptInfo, nbd::kOptStructuredReply,
      nbd::kOptListMetaContext, nbd::kOptSetMetaContext, nbd::kOptGo,   nbd::kOptStartTls};
  std::vector<u8> data;
  const u32 option = kOptions[input.take<u8>() % std::size(kOptions)];
  const std::string name = input.take<u8>() % 4 == 0 ? "other" : "";
  if (option == nbd::kOptInfo || option == nbd::kOptGo) {
    append(data, nbd::FieldWriter()
                     .u32_field(number_like(input, name.size()))
                     .text(name)
                     .u16_field(number_like(input, 2))
                     .u16_field(nbd::kInfoBlockSize)
                     .u16_field(input.take<u8>() % 5));
  } else if (option == nbd::kOptSetMetaContext || option == nbd::kOptListMetaContext) {
    const std::string query = input.take<u8>() % 4 == 0 ? "base:" : nbd::kBaseAllocation;
    append(data, nbd::FieldWriter()
                     .u32_field(number_like(input, name.size()))
                     .text(name)
                     .u32_field(number_like(input, 1))
                     .u32_field(number_like(input, query.size()))
                     .text(query));
  } else {
    append_bytes(data, input, input.take<u8>() % 4 == 0 ? input.take<u8>() : 0);
  }
  append(to, nbd::FieldWriter()
                 .u64_field(number_like(input, nbd::kIHaveOpt))
                 .u32_field(option)
                 .u32_field(number_like(input, data.size())));
  to.insert(to.end(), data.begin(), data.end());
}

void add_request(Input& input, std::vector<u8>& to) {
  const u16 type = input.take<u8>() % 10;
  const u32 size = input.take<u8>() % 4 == 0 ? input.take<u32>() : input.take<u16>() % 4096;
  append(to, nbd::FieldWriter()
                 .u32_field(number_like(input, nbd::kRequestMagic))
                 .u16_field(input.take<u8>() % 4 == 0 ? input.take<u8>() : 0)
                 .u16_field(type)
                 .u64_field(input.take<u64>())
                 .u64_field(number_like(input, input.take<u16>()))
                 .u32_field(size));
  if (type == nbd::kCmdWrite) to.insert(to.end(), std::min<u32>(size, 8192), input.take<u8>());
}

void run(Input input) {
  static testing::TestMachine machine;
  static auto& backends = machine.add_child("backends", std::make_unique<Backends>(machine));
  static auto& disk = dynamic_cast<BlockNode&>(backends.add(kBlockKind, "fuzz", "disk", {}));
  nbd::Export exported{.node = &disk,
                       .name = "",
                       .description = "any",
                       .read_only = input.take<u8>() % 8 == 0,
                       .shared = input.take<u8>() % 2 == 0,
                       .minimum_block = input.take<u8>() % 8 == 0 ? 512U : 1U,
                       .extent = {}};
  exported.extent = [](u64 offset, u64 size, Extent& extent) {
    extent.size = std::min<u64>(size, 1 + offset % 1000);
    extent.data = offset % 3 != 0;
    extent.zero = !extent.data;
    return offset == 12345 ? -EIO : 0;
  };
  std::vector<u8> says;
  append(says, nbd::FieldWriter().u32_field(number_like(input, 3)));
  for (unsigned n = input.take<u8>() % 8; n != 0; --n) add_option(input, says);
  append(says, nbd::FieldWriter().u64_field(nbd::kIHaveOpt).u32_field(nbd::kOptGo).u32_field(6));
  append(says, nbd::FieldWriter().u32_field(0).u16_field(0));
  for (unsigned n = input.take<u8>() % 64; n != 0; --n) add_request(input, says);
  append_bytes(says, input, input.take<u8>() % 40);
  auto [server, client] = connected_sockets();
  const Peer peer(std::move(client), std::move(says));
  nbd::Session session(exported, std::move(server));
  session.run();
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  backplane::fuzz::run({data, size});
  return 0;
}
