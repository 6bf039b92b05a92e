// SPDX-License-Identifier: MIT
#include "server/session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "wire/fields.h"

namespace backplane::nbd {

namespace {

constexpr u64 kCacheStep = 1 << 20;            // bytes that are read at a time for nobody
constexpr std::size_t kMaxDescriptors = 1024;  // of one answer about block status

void put_chunk(FieldWriter& fields, u16 type, u64 cookie, u64 size) {
  fields.u32_field(kStructuredReplyMagic).u16_field(kReplyFlagDone).u16_field(type);
  fields.u64_field(cookie).u32_field(size);
}

}  // namespace

// A thread's memory for data, aligned as disks like it. A large one is not kept.
class Session::Buffer {
 public:
  // Null data: there is no memory.
  std::span<u8> take(std::size_t size) {
    if (size > room_) {
      constexpr std::size_t kAlignment = 4096;
      room_ = (size + kAlignment - 1) / kAlignment * kAlignment;
      memory_.reset(static_cast<u8*>(std::aligned_alloc(kAlignment, room_)));
      if (!memory_) room_ = 0;
    }
    data_ = {memory_.get(), std::min(size, room_)};
    return data_;
  }
  std::span<u8> data() const { return data_; }
  void end() {
    constexpr std::size_t kKept = 256 << 10;
    data_ = {};
    if (room_ <= kKept) return;
    memory_.reset();
    room_ = 0;
  }

 private:
  struct Free {
    void operator()(u8* memory) const { std::free(memory); }
  };
  std::unique_ptr<u8, Free> memory_;
  std::size_t room_ = 0;
  std::span<u8> data_;
};

// A part of what the session may have in flight.
class Session::Share {
 public:
  explicit Share(Session& session) : session_(session) {}
  ~Share() { give_back(); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  // Waits until there is room.
  void take(u64 size) {
    std::unique_lock lock(session_.state_);
    session_.room_.wait(lock, [&] { return session_.in_flight_ + size <= kMaxInFlight; });
    session_.in_flight_ += size;
    size_ = size;
  }
  void give_back() {
    if (size_ == 0) return;
    {
      const std::lock_guard lock(session_.state_);
      session_.in_flight_ -= std::exchange(size_, 0);
    }
    session_.room_.notify_one();
  }

 private:
  Session& session_;
  u64 size_ = 0;
};

bool Session::run() {
  channel_.set_deadline(in_seconds(kMaxHandshake));
  Negotiation negotiation(export_, channel_);
  if (!negotiation.run()) return false;
  channel_.set_deadline(std::nullopt);
  agreement_ = negotiation.agreement();
  waiting_ = 1;
  serve();
  // Nobody adds to them any more, since it is over.
  for (std::thread& helper : helpers_) helper.join();
  return true;
}

void Session::stop() { channel_.stop(); }

void Session::leave() {
  {
    const std::lock_guard lock(state_);
    over_ = true;
  }
  channel_.stop();
}

void Session::serve() {
  Buffer buffer;
  Share share(*this);
  for (;;) {
    Request request;
    {
      const std::lock_guard turn(receiving_);
      {
        const std::lock_guard lock(state_);
        if (over_) return;
      }
      if (!receive(request, buffer, share)) {
        const std::lock_guard lock(state_);
        over_ = true;
        return;
      }
      add_thread_if_needed();
    }
    carry_out(request, buffer);
    buffer.end();
    share.give_back();
    const std::lock_guard lock(state_);
    ++waiting_;
  }
}

// In the turn of the thread that has something to carry out now, so that somebody has the next one.
void Session::add_thread_if_needed() {
  const std::lock_guard lock(state_);
  --waiting_;
  if (over_ || waiting_ != 0 || helpers_.size() + 1 >= kMaxThreads) return;
  try {
    helpers_.emplace_back([this] { serve(); });
    ++waiting_;
  } catch (const std::system_error&) {
    // Those that there are have to do.
  }
}

bool Session::receive(Request& request, Buffer& buffer, Share& share) {
  std::array<u8, kRequestSize> bytes;
  if (!channel_.receive(bytes.data(), bytes.size())) return false;
  FieldReader fields(bytes);
  if (fields.u32_field() != kRequestMagic) return false;
  request.flags = fields.u16_field();
  request.type = fields.u16_field();
  request.cookie = fields.u64_field();
  request.offset = fields.u64_field();
  request.size = fields.u32_field();
  if (request.type == kCmdDisc) return false;
  if (request.type != kCmdWrite && request.type != kCmdRead) return true;
  return receive_data(request, buffer, share);
}

bool Session::receive_data(const Request& request, Buffer& buffer, Share& share) {
  const bool is_write = request.type == kCmdWrite;
  // Such a read is refused, but where a write that is too long ends nobody can know for sure.
  if (request.size > kMaxPayload) return !is_write;
  share.take(request.size);
  const std::span<u8> data = buffer.take(request.size);
  if (!is_write) return true;
  if (data.size() < request.size) return channel_.skip(request.size);
  return channel_.receive(data.data(), data.size());
}

u32 Session::check(const Request& request) const {
  u16 known = 0;
  switch (request.type) {
    case kCmdRead:
      known = kCmdFlagDf | kCmdFlagFua;
      break;
    case kCmdWrite:
    case kCmdTrim:
      known = kCmdFlagFua;
      break;
    case kCmdWriteZeroes:
      known = kCmdFlagFua | kCmdFlagNoHole;
      break;
    case kCmdFlush:
    case kCmdCache:
      known = kCmdFlagFua;
      break;
    case kCmdBlockStatus:
      if (!agreement_.base_allocation || request.size == 0) return kEInval;
      known = kCmdFlagReqOne | kCmdFlagFua;
      break;
    default:
      return kEInval;
  }
  if ((request.flags & ~known) != 0) return kEInval;
  if (request.type == kCmdFlush) return 0;
  const bool changes =
      request.type == kCmdWrite || request.type == kCmdTrim || request.type == kCmdWriteZeroes;
  if (changes && export_.read_only) return kEPerm;
  const bool fits =
      request.offset <= export_.size() && request.size <= export_.size() - request.offset;
  if (!fits) return changes && request.type != kCmdTrim ? kENoSpc : kEInval;
  if (request.offset % export_.minimum_block != 0 || request.size % export_.minimum_block != 0)
    return kEInval;
  if (request.type == kCmdRead && request.size > kMaxPayload) return kEOverflow;
  return 0;
}

void Session::carry_out(const Request& request, Buffer& buffer) {
  u32 error = check(request);
  const bool has_data = request.type == kCmdRead || request.type == kCmdWrite;
  if (error == 0 && has_data && buffer.data().size() < request.size) error = kENoMem;
  if (error == 0 && request.type == kCmdBlockStatus) return send_status(request);
  if (error == 0) error = error_number(change(request, buffer));
  if (error != 0 || request.type != kCmdRead) return send_result(request, error);
  send_data(request, buffer.data());
}

// 0 or a negative errno.
int Session::change(const Request& request, Buffer& buffer) {
  BlockNode& node = *export_.node;
  int result = 0;
  switch (request.type) {
    case kCmdRead:
      return request.size == 0 ? 0 : node.read(request.offset, buffer.data().data(), request.size);
    case kCmdCache:
      return read_ahead(request, buffer);
    case kCmdFlush:
      return export_.read_only ? 0 : node.flush();
    case kCmdWrite:
      if (request.size != 0)
        result = node.write(request.offset, buffer.data().data(), request.size);
      break;
    case kCmdTrim:
      result = node.discard(request.offset, request.size);
      break;
    case kCmdWriteZeroes:
      result =
          node.write_zeroes(request.offset, request.size, (request.flags & kCmdFlagNoHole) == 0);
      break;
    default:
      break;
  }
  const bool to_disk = export_.write_through || (request.flags & kCmdFlagFua) != 0;
  return result == 0 && to_disk ? node.flush() : result;
}

int Session::read_ahead(const Request& request, Buffer& buffer) {
  const std::span<u8> data = buffer.take(std::min<u64>(request.size, kCacheStep));
  for (u64 done = 0; done < request.size && !data.empty();) {
    const u64 step = std::min<u64>(request.size - done, data.size());
    if (const int error = export_.node->read(request.offset + done, data.data(), step); error != 0)
      return error;
    done += step;
    const std::lock_guard lock(state_);
    if (over_) return -ESHUTDOWN;
  }
  return 0;
}

void Session::send_data(const Request& request, std::span<u8> data) {
  FieldWriter head;
  if (!agreement_.structured) {
    head.u32_field(kSimpleReplyMagic).u32_field(0).u64_field(request.cookie);
  } else if (data.empty()) {
    put_chunk(head, kReplyNone, request.cookie, 0);
  } else {
    put_chunk(head, kReplyOffsetData, request.cookie, sizeof(u64) + data.size());
    head.u64_field(request.offset);
  }
  send(head.bytes(), data);
}

void Session::send_status(const Request& request) {
  struct Part {
    u32 size;
    u32 state;
  };
  std::vector<Part> parts;
  const bool only_one = (request.flags & kCmdFlagReqOne) != 0;
  for (u64 done = 0; done < request.size;) {
    Extent extent;
    const int error = export_.extent(request.offset + done, request.size - done, extent);
    if (error != 0 || extent.size == 0) {
      if (parts.empty()) return send_result(request, error == 0 ? kEIo : error_number(error));
      break;
    }
    const u32 size = static_cast<u32>(std::min<u64>(extent.size, request.size - done));
    const u32 state = (extent.data ? 0 : u32{kStateHole}) | (extent.zero ? u32{kStateZero} : 0);
    if (!parts.empty() && parts.back().state == state)
      parts.back().size += size;
    else if (parts.size() == (only_one ? 1 : kMaxDescriptors))
      break;
    else
      parts.push_back({size, state});
    done += size;
  }
  FieldWriter fields;
  put_chunk(fields, kReplyBlockStatus, request.cookie, sizeof(u32) + 8 * parts.size());
  fields.u32_field(kBaseContext);
  for (const Part& part : parts) fields.u32_field(part.size).u32_field(part.state);
  send(fields.bytes());
}

void Session::send_result(const Request& request, u32 error) {
  FieldWriter fields;
  const bool may_be_simple = request.type != kCmdRead && request.type != kCmdBlockStatus;
  if (!agreement_.structured || may_be_simple) {
    fields.u32_field(kSimpleReplyMagic).u32_field(error).u64_field(request.cookie);
  } else {
    put_chunk(fields, kReplyError, request.cookie, sizeof(u32) + sizeof(u16));
    fields.u32_field(error).u16_field(0);
  }
  send(fields.bytes());
}

void Session::send(std::span<const u8> head, std::span<u8> data) {
  const iovec piece{data.data(), data.size()};
  bool sent;
  {
    const std::lock_guard lock(sending_);
    sent = channel_.send(head, {&piece, 1});
  }
  if (!sent) leave();
}

}  // namespace backplane::nbd
