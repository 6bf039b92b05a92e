// SPDX-License-Identifier: MIT
// An NBD server that says anything, mostly something that begins as it should: opening the disk
// throws an Error, or every request comes to an end, and nothing is written beside its memory.
#include <array>
#include <thread>

#include "backplane/error.h"
#include "connection.h"
#include "peer.h"

namespace backplane::fuzz {
namespace {

constexpr u32 kSize = 4096;  // bytes of a request
constexpr unsigned kRequests = 16;

void add_option_reply(Input& input, u32 option, u32 type, const nbd::FieldWriter& data,
                      std::vector<u8>& to) {
  append(to, nbd::FieldWriter()
                 .u64_field(number_like(input, nbd::kOptionReplyMagic))
                 .u32_field(number_like(input, option))
                 .u32_field(number_like(input, type))
                 .u32_field(number_like(input, data.bytes().size())));
  append(to, data);
}

void add_handshake(Input& input, std::vector<u8>& to) {
  append(to, nbd::FieldWriter()
                 .u64_field(nbd::kNbdMagic)
                 .u64_field(number_like(input, nbd::kIHaveOpt))
                 .u16_field(number_like(input, 3)));
  const u32 refused = nbd::kRepErrUnsup;
  const bool structured = input.take<u8>() % 4 != 0;
  add_option_reply(input, nbd::kOptStructuredReply, structured ? u32{nbd::kRepAck} : refused, {},
                   to);
  if (structured) {
    add_option_reply(input, nbd::kOptSetMetaContext, nbd::kRepMetaContext,
                     nbd::FieldWriter().u32_field(7).text(nbd::kBaseAllocation), to);
    add_option_reply(input, nbd::kOptSetMetaContext, nbd::kRepAck, {}, to);
  }
  if (input.take<u8>() % 8 == 0) {
    add_option_reply(input, nbd::kOptGo, refused, {}, to);
    append(to, nbd::FieldWriter().u64_field(number_like(input, 1_MiB)).u16_field(0xffff));
    return;
  }
  add_option_reply(input, nbd::kOptGo, nbd::kRepInfo,
                   nbd::FieldWriter()
                       .u16_field(nbd::kInfoBlockSize)
                       .u32_field(number_like(input, 512))
                       .u32_field(4096)
                       .u32_field(number_like(input, 1_MiB)),
                   to);
  add_option_reply(input, nbd::kOptGo, nbd::kRepInfo,
                   nbd::FieldWriter()
                       .u16_field(number_like(input, nbd::kInfoExport))
                       .u64_field(number_like(input, 1_MiB))
                       .u16_field(input.take<u16>()),
                   to);
  add_option_reply(input, nbd::kOptGo, nbd::kRepAck, {}, to);
}

void add_reply(Input& input, u64 cookie, std::vector<u8>& to) {
  if (input.take<u8>() % 4 == 0) {
    append(to, nbd::FieldWriter()
                   .u32_field(nbd::kSimpleReplyMagic)
                   .u32_field(input.take<u8>() % 4 == 0 ? input.take<u8>() : 0)
                   .u64_field(number_like(input, cookie)));
    return;
  }
  constexpr u16 kTypes[] = {
      nbd::kReplyNone,        nbd::kReplyOffsetData, nbd::kReplyOffsetData,  nbd::kReplyOffsetHole,
      nbd::kReplyBlockStatus, nbd::kReplyError,      nbd::kReplyErrorOffset, 77};
  const u16 type = kTypes[input.take<u8>() % std::size(kTypes)];
  nbd::FieldWriter data;
  const u32 part = static_cast<u32>(number_like(input, kSize / 2));
  if (type == nbd::kReplyOffsetData)
    data.u64_field(number_like(input, input.take<u8>() * 512U)).zeroes(std::min(part, 2 * kSize));
  else if (type == nbd::kReplyOffsetHole)
    data.u64_field(number_like(input, input.take<u8>() * 512U)).u32_field(part);
  else if (type == nbd::kReplyBlockStatus)
    data.u32_field(number_like(input, 7)).u32_field(part).u32_field(input.take<u8>() % 4);
  else if (type != nbd::kReplyNone)
    data.u32_field(input.take<u8>()).u16_field(0);
  append(to, nbd::FieldWriter()
                 .u32_field(number_like(input, nbd::kStructuredReplyMagic))
                 .u16_field(input.take<u8>() % 2)
                 .u16_field(type)
                 .u64_field(number_like(input, cookie))
                 .u32_field(number_like(input, data.bytes().size())));
  append(to, data);
}

void use(nbd::Connection& connection, u64 first) {
  // As long as it should be: what is written beside it is found.
  std::vector<u8> memory(kSize);
  const iovec pieces[] = {{memory.data(), 512}, {memory.data() + 512, kSize - 512}};
  for (unsigned n = 0; n < kRequests; ++n) {
    nbd::Request request{.command = n % 4 == 3 ? nbd::kCmdBlockStatus : nbd::kCmdRead,
                         .offset = (first + n) * 512,
                         .size = kSize,
                         .iov = {}};
    if (request.command == nbd::kCmdRead) request.iov = pieces;
    if (!connection.carry_out(request)) return;
  }
}

void run(Input input) {
  std::vector<u8> says;
  add_handshake(input, says);
  for (u64 cookie = 1; cookie <= kRequests; ++cookie)
    for (unsigned n = input.take<u8>() % 3 + 1; n != 0; --n) add_reply(input, cookie, says);
  append_bytes(says, input, input.take<u8>());
  const bool several = input.take<u8>() % 2 == 0;
  auto [client, server] = connected_sockets();
  const Peer peer(std::move(server), std::move(says));
  try {
    nbd::Connection connection(std::move(client), "", nbd::in_seconds(10), 10);
    std::thread other;
    if (several) other = std::thread([&] { use(connection, 3); });
    use(connection, 0);
    if (several) other.join();
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  backplane::fuzz::run({data, size});
  return 0;
}
