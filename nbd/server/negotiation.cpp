// SPDX-License-Identifier: MIT
#include "server/negotiation.h"

#include <array>

namespace backplane::nbd {

namespace {

// More than any option that is known has.
constexpr u32 kMaxOption = 32 << 10;  // bytes
// What is longer than this is not even skipped.
constexpr u32 kMaxSkipped = 1 << 20;

std::string_view text_of(const FieldWriter& fields) {
  return {reinterpret_cast<const char*>(fields.bytes().data()), fields.bytes().size()};
}

}  // namespace

bool Negotiation::run() {
  if (!greet()) return false;
  for (;;) {
    u32 option = 0;
    std::vector<u8> data;
    bool too_long = false;
    if (!take_option(option, data, too_long)) return false;
    // A client that is not fixed knows no answers. [NBD "Fixed newstyle negotiation"]
    if (!fixed_ && option != kOptExportName) return false;
    const Next next =
        too_long ? refuse(option, kRepErrTooBig, "that is too long") : answer(option, data);
    if (next != Next::Option) return next == Next::Requests;
  }
}

bool Negotiation::greet() {
  if (!channel_.send(FieldWriter()
                         .u64_field(kNbdMagic)
                         .u64_field(kIHaveOpt)
                         .u16_field(kFlagFixedNewstyle | kFlagNoZeroes)
                         .bytes()))
    return false;
  std::array<u8, 4> bytes;
  if (!channel_.receive(bytes.data(), bytes.size())) return false;
  const u32 flags = FieldReader(bytes).u32_field();
  fixed_ = (flags & kFlagCFixedNewstyle) != 0;
  no_zeroes_ = (flags & kFlagCNoZeroes) != 0;
  return (flags & ~u32{kFlagCFixedNewstyle | kFlagCNoZeroes}) == 0;
}

bool Negotiation::take_option(u32& option, std::vector<u8>& data, bool& too_long) {
  std::array<u8, 16> head;
  if (!channel_.receive(head.data(), head.size())) return false;
  FieldReader fields(head);
  if (fields.u64_field() != kIHaveOpt) return false;
  option = fields.u32_field();
  const u32 size = fields.u32_field();
  too_long = size > kMaxOption;
  if (too_long) return size <= kMaxSkipped && channel_.skip(size);
  data.resize(size);
  return channel_.receive(data.data(), data.size());
}

Negotiation::Next Negotiation::answer(u32 option, std::span<const u8> data) {
  switch (option) {
    case kOptExportName:
      return choose_by_name(data);
    case kOptAbort:
      // It may not wait for that.
      reply(option, kRepAck);
      return Next::End;
    case kOptList:
      return list(data);
    case kOptInfo:
    case kOptGo:
      return choose(option, data);
    case kOptStructuredReply:
      if (!data.empty() || agreement_.structured)
        return refuse(option, kRepErrInvalid, "that is asked once, and has no data");
      agreement_.structured = true;
      return reply(option, kRepAck);
    case kOptListMetaContext:
    case kOptSetMetaContext:
      return contexts(option, data);
    default:
      return refuse(option, kRepErrUnsup, "there is no such option");
  }
}

// There is no answer for what cannot be.
Negotiation::Next Negotiation::choose_by_name(std::span<const u8> data) {
  if (FieldReader(data).rest() != export_.name) return Next::End;
  FieldWriter fields;
  fields.u64_field(export_.size()).u16_field(export_.flags());
  if (!no_zeroes_) fields.zeroes(124);
  return channel_.send(fields.bytes()) ? Next::Requests : Next::End;
}

Negotiation::Next Negotiation::choose(u32 option, std::span<const u8> data) {
  FieldReader fields(data);
  const std::string name = fields.text(fields.u32_field());
  const u16 count = fields.u16_field();
  bool wants_name = false, wants_description = false;
  bool knows_blocks = export_.minimum_block == 1;
  for (u16 i = 0; i < count && fields.is_whole(); ++i) {
    const u16 info = fields.u16_field();
    wants_name |= info == kInfoName;
    wants_description |= info == kInfoDescription;
    knows_blocks |= info == kInfoBlockSize;
  }
  if (!fields.is_whole() || fields.left() != 0 || name.size() > kMaxString)
    return refuse(option, kRepErrInvalid, "what is asked is malformed");
  if (name != export_.name) return refuse(option, kRepErrUnknown, "there is no such export");
  const auto tell = [&](const FieldWriter& info) {
    return reply(option, kRepInfo, info) != Next::End;
  };
  if (wants_name && !tell(FieldWriter().u16_field(kInfoName).text(export_.name))) return Next::End;
  if (wants_description && !export_.description.empty() &&
      !tell(FieldWriter().u16_field(kInfoDescription).text(export_.description)))
    return Next::End;
  constexpr u32 kPreferred = 4096;
  if (!tell(FieldWriter()
                .u16_field(kInfoBlockSize)
                .u32_field(export_.minimum_block)
                .u32_field(kPreferred)
                .u32_field(kMaxPayload)))
    return Next::End;
  if (!knows_blocks && option == kOptGo)
    return refuse(option, kRepErrBlockSizeReqd, "requests have to be multiples of a size");
  if (!tell(FieldWriter()
                .u16_field(kInfoExport)
                .u64_field(export_.size())
                .u16_field(export_.flags())))
    return Next::End;
  const Next next = reply(option, kRepAck);
  return next == Next::Option && option == kOptGo ? Next::Requests : next;
}

Negotiation::Next Negotiation::list(std::span<const u8> data) {
  if (!data.empty()) return refuse(kOptList, kRepErrInvalid, "that has no data");
  const Next next = reply(
      kOptList, kRepServer,
      FieldWriter().u32_field(export_.name.size()).text(export_.name).text(export_.description));
  return next == Next::End ? next : reply(kOptList, kRepAck);
}

Negotiation::Next Negotiation::contexts(u32 option, std::span<const u8> data) {
  if (!agreement_.structured)
    return refuse(option, kRepErrInvalid, "structured replies come before that");
  FieldReader fields(data);
  const std::string name = fields.text(fields.u32_field());
  const u32 count = fields.u32_field();
  const bool lists = option == kOptListMetaContext;
  bool wanted = lists && count == 0;
  for (u32 i = 0; i < count && fields.is_whole(); ++i) {
    const std::string query = fields.text(fields.u32_field());
    wanted |= query == kBaseAllocation || (lists && query == "base:");
  }
  if (!lists) agreement_.base_allocation = false;
  if (!fields.is_whole() || fields.left() != 0 || name.size() > kMaxString)
    return refuse(option, kRepErrInvalid, "what is asked is malformed");
  if (name != export_.name) return refuse(option, kRepErrUnknown, "there is no such export");
  if (wanted) {
    if (!lists) agreement_.base_allocation = true;
    if (reply(option, kRepMetaContext,
              FieldWriter().u32_field(kBaseContext).text(kBaseAllocation)) == Next::End)
      return Next::End;
  }
  return reply(option, kRepAck);
}

Negotiation::Next Negotiation::reply(u32 option, u32 type, const FieldWriter& data) {
  FieldWriter fields;
  fields.u64_field(kOptionReplyMagic).u32_field(option).u32_field(type);
  fields.u32_field(data.bytes().size()).text(text_of(data));
  return channel_.send(fields.bytes()) ? Next::Option : Next::End;
}

Negotiation::Next Negotiation::refuse(u32 option, u32 type, std::string_view reason) {
  return reply(option, type, FieldWriter().text(reason));
}

}  // namespace backplane::nbd
