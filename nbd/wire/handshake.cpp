// SPDX-License-Identifier: MIT
#include "wire/handshake.h"

#include <array>
#include <bit>
#include <functional>

#include "backplane/error.h"
#include "wire/fields.h"

namespace backplane::nbd {

namespace {

constexpr u32 kMaxReply = 64 << 10;     // bytes
constexpr unsigned kMaxReplies = 4096;  // to one option

struct Reply {
  u32 type = 0;
  std::vector<u8> bytes;

  bool is_error() const { return (type & kRepFlagError) != 0; }
};

class Handshake {
 public:
  explicit Handshake(Channel& channel) : channel_(channel) {}

  // Throws Error unless it is a server, of the newstyle kind.
  void greet() {
    std::array<u8, 18> bytes;
    receive(bytes);
    FieldReader fields(bytes);
    if (fields.u64_field() != kNbdMagic) throw Error("what answers there is no NBD server");
    const u64 style = fields.u64_field();
    if (style == kOldStyleMagic)
      throw Error("the server is of the oldstyle kind, which has no exports");
    if (style != kIHaveOpt) throw Error("what answers there is no NBD server");
    const u16 flags = fields.u16_field();
    fixed_ = (flags & kFlagFixedNewstyle) != 0;
    no_zeroes_ = (flags & kFlagNoZeroes) != 0;
    send(FieldWriter().u32_field((fixed_ ? u32{kFlagCFixedNewstyle} : 0) |
                                 (no_zeroes_ ? u32{kFlagCNoZeroes} : 0)));
  }
  // It answers options that it does not know.
  bool is_fixed() const { return fixed_; }
  bool leaves_zeroes_out() const { return no_zeroes_; }

  void send_option(Option option, const FieldWriter& data) {
    send(FieldWriter()
             .u64_field(kIHaveOpt)
             .u32_field(option)
             .u32_field(data.bytes().size())
             .text({reinterpret_cast<const char*>(data.bytes().data()), data.bytes().size()}));
  }

  // Asks, and has each reply before the last one looked at; that is an Ack or an error.
  Reply ask(
      Option option, const FieldWriter& data,
      const std::function<void(const Reply&)>& look = [](const Reply&) {}) {
    send_option(option, data);
    for (unsigned count = 0; count < kMaxReplies; ++count) {
      std::array<u8, 20> head;
      receive(head);
      FieldReader fields(head);
      const u64 magic = fields.u64_field();
      const u32 answered = fields.u32_field();
      Reply reply{.type = fields.u32_field(), .bytes = {}};
      const u32 size = fields.u32_field();
      if (magic != kOptionReplyMagic || answered != option || size > kMaxReply)
        throw Error("the server's answer is not one of the protocol");
      reply.bytes.resize(size);
      receive(reply.bytes);
      if (reply.type == kRepAck || reply.is_error()) return reply;
      look(reply);
    }
    throw Error("the server does not come to an end of its answer");
  }

  void receive(std::span<u8> bytes) {
    if (!channel_.receive(bytes.data(), bytes.size()))
      throw Error("the server did not answer, or closed the connection");
  }

 private:
  void send(const FieldWriter& fields) {
    if (!channel_.send(fields.bytes())) throw Error("the server closed the connection");
  }

  Channel& channel_;
  bool fixed_ = false;
  bool no_zeroes_ = false;
};

std::string reason_of(const Reply& reply) {
  if (!reply.bytes.empty())
    return shown({reinterpret_cast<const char*>(reply.bytes.data()), reply.bytes.size()});
  switch (reply.type) {
    case kRepErrPolicy:
      return "it is not allowed";
    case kRepErrTlsReqd:
      return "it wants TLS, which there is not";
    case kRepErrUnknown:
      return "there is no such export";
    case kRepErrShutdown:
      return "the server is about to end";
    default:
      return fmt::format("error {:#x}", reply.type);
  }
}

FieldWriter export_request(const std::string& name, std::initializer_list<Info> wanted) {
  FieldWriter data;
  data.u32_field(name.size()).text(name).u16_field(wanted.size());
  for (const Info info : wanted) data.u16_field(info);
  return data;
}

void take_info(const Reply& reply, ExportInfo& info) {
  if (reply.type != kRepInfo) return;
  FieldReader fields(reply.bytes);
  switch (fields.u16_field()) {
    case kInfoExport:
      info.size = fields.u64_field();
      info.flags = fields.u16_field();
      break;
    case kInfoDescription:
      info.description = fields.rest();
      break;
    case kInfoBlockSize:
      info.minimum_block = fields.u32_field();
      info.preferred_block = fields.u32_field();
      info.maximum_block = fields.u32_field();
      if (!std::has_single_bit(info.minimum_block) || info.maximum_block < info.minimum_block)
        throw Error("the server's block sizes are none");
      break;
    default:
      return;
  }
  if (!fields.is_whole()) throw Error("the server's answer is not one of the protocol");
}

void take_context(const Reply& reply, ExportInfo& info) {
  if (reply.type != kRepMetaContext) return;
  FieldReader fields(reply.bytes);
  const u32 number = fields.u32_field();
  if (fields.rest() == kBaseAllocation && fields.is_whole()) info.base_allocation = number;
}

void expect_sane(const ExportInfo& info) {
  if (info.size > static_cast<u64>(INT64_MAX))
    throw Error::of("an export of {} bytes is longer than a disk can be", info.size);
}

void choose_by_name(Handshake& handshake, const std::string& name, ExportInfo& info) {
  handshake.send_option(kOptExportName, FieldWriter().text(name));
  std::array<u8, 10 + 124> bytes{};
  handshake.receive(std::span(bytes).first(handshake.leaves_zeroes_out() ? 10 : bytes.size()));
  FieldReader fields(bytes);
  info.size = fields.u64_field();
  info.flags = fields.u16_field();
}

}  // namespace

ExportInfo choose_export(Channel& channel, const std::string& name) {
  if (name.size() > kMaxString)
    throw Error::of("an export's name has at most {} bytes", u32{kMaxString});
  Handshake handshake(channel);
  handshake.greet();
  ExportInfo info;
  if (handshake.is_fixed()) {
    info.structured = handshake.ask(kOptStructuredReply, {}).type == kRepAck;
    if (info.structured) {
      FieldWriter contexts;
      const std::string_view wanted = kBaseAllocation;
      contexts.u32_field(name.size()).text(name).u32_field(1);
      contexts.u32_field(wanted.size()).text(wanted);
      handshake.ask(kOptSetMetaContext, contexts,
                    [&](const Reply& reply) { take_context(reply, info); });
    }
    const Reply last = handshake.ask(kOptGo, export_request(name, {kInfoBlockSize}),
                                     [&](const Reply& reply) { take_info(reply, info); });
    if (last.is_error() && last.type != kRepErrUnsup)
      throw Error::of("the export '{}' cannot be had: {}", name, OwnText{reason_of(last)});
    if (last.is_error()) choose_by_name(handshake, name, info);
  } else {
    choose_by_name(handshake, name, info);
  }
  expect_sane(info);
  return info;
}

std::vector<ListedExport> list_exports(Channel& channel) {
  Handshake handshake(channel);
  handshake.greet();
  if (!handshake.is_fixed()) throw Error("the server is too old to list what it has");
  std::vector<ListedExport> exports;
  const Reply last = handshake.ask(kOptList, {}, [&](const Reply& reply) {
    if (reply.type != kRepServer) return;
    FieldReader fields(reply.bytes);
    ListedExport one;
    one.name = fields.text(fields.u32_field());
    one.description = fields.rest();
    exports.push_back(std::move(one));
  });
  if (last.is_error()) throw Error("the server does not list what it has: " + reason_of(last));
  for (ListedExport& one : exports) {
    ExportInfo info;
    const Reply answer =
        handshake.ask(kOptInfo, export_request(one.name, {kInfoDescription, kInfoBlockSize}),
                      [&](const Reply& reply) { take_info(reply, info); });
    if (!answer.is_error()) one.info = info;
    if (one.description.empty()) one.description = info.description;
  }
  handshake.send_option(kOptAbort, {});
  return exports;
}

}  // namespace backplane::nbd
