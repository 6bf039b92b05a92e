// SPDX-License-Identifier: MIT
#include "connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "wire/fields.h"

namespace backplane::nbd {

namespace {

constexpr u32 kMaxOther = 1 << 20;  // bytes of a chunk that has no data of a disk
constexpr u32 kPartingSeconds = 1;

constexpr const char* kNoReply = "the server's reply is not one of the protocol";
constexpr const char* kClosed = "the server has closed the connection";
constexpr const char* kSilent = "the server does not answer";

int errno_of(u32 error) {
  switch (error) {
    case 0:
      return 0;
    case kEPerm:
      return -EPERM;
    case kENoMem:
      return -ENOMEM;
    case kEInval:
      return -EINVAL;
    case kENoSpc:
      return -ENOSPC;
    case kEOverflow:
      return -EOVERFLOW;
    case kENotSup:
      return -ENOTSUP;
    case kEShutdown:
      return -ESHUTDOWN;
    default:
      return -EIO;
  }
}

// A part of memory that is in pieces.
std::vector<iovec> part_of(std::span<const iovec> iov, u64 from, u64 size) {
  std::vector<iovec> part;
  for (const iovec& piece : iov) {
    if (size == 0) break;
    if (from >= piece.iov_len) {
      from -= piece.iov_len;
      continue;
    }
    const u64 step = std::min<u64>(size, piece.iov_len - from);
    part.push_back({static_cast<u8*>(piece.iov_base) + from, step});
    size -= step;
    from = 0;
  }
  return part;
}

}  // namespace

struct Connection::Chunk {
  u16 flags = 0;
  u16 type = 0;
  u32 size = 0;
};

Connection::Connection(Socket socket, const std::string& name, Deadline deadline, u32 most_silence)
    : channel_(std::move(socket)) {
  channel_.set_deadline(deadline);
  info_ = choose_export(channel_, name);
  channel_.set_deadline(std::nullopt);
  channel_.set_patience(most_silence);
}

Connection::~Connection() {
  if (lost_) return;
  channel_.set_deadline(in_seconds(kPartingSeconds));
  send({.command = kCmdDisc, .iov = {}}, 0);
}

bool Connection::is_lost() {
  const std::lock_guard lock(mutex_);
  return lost_;
}

std::string Connection::reason() {
  const std::lock_guard lock(mutex_);
  return reason_;
}

bool Connection::lose(const char* why) {
  const std::lock_guard lock(mutex_);
  if (reason_.empty()) reason_ = why;
  return false;
}

bool Connection::was_silent() {
  const std::lock_guard lock(mutex_);
  return silent_;
}

bool Connection::lose_contact() {
  if (!channel_.was_too_late()) return lose(kClosed);
  const std::lock_guard lock(mutex_);
  silent_ = true;
  if (reason_.empty()) reason_ = kSilent;
  return false;
}

std::optional<int> Connection::carry_out(Request& request) {
  Pending pending{.request = request};
  u64 cookie = 0;
  {
    const std::lock_guard lock(mutex_);
    if (lost_) return std::nullopt;
    cookie = next_cookie_++;
    pending_.emplace(cookie, &pending);
  }
  // Who receives finds out.
  if (!send(request, cookie)) channel_.stop();
  std::unique_lock lock(mutex_);
  while (!pending.done && !lost_) {
    if (receiving_) {
      changed_.wait(lock);
      continue;
    }
    receiving_ = true;
    lock.unlock();
    const bool received = receive_reply();
    lock.lock();
    receiving_ = false;
    // From now on nobody writes into what others wait for.
    if (!received) lost_ = true;
    changed_.notify_all();
  }
  pending_.erase(cookie);
  if (!pending.done) return std::nullopt;
  return pending.error;
}

bool Connection::send(const Request& request, u64 cookie) {
  FieldWriter head;
  head.u32_field(kRequestMagic).u16_field(request.flags).u16_field(request.command);
  head.u64_field(cookie).u64_field(request.offset).u32_field(request.size);
  const std::lock_guard lock(sending_);
  return channel_.send(head.bytes(),
                       request.command == kCmdWrite ? request.iov : std::span<const iovec>());
}

Connection::Pending* Connection::find(u64 cookie) {
  const std::lock_guard lock(mutex_);
  const auto found = pending_.find(cookie);
  return found == pending_.end() || found->second->done ? nullptr : found->second;
}

void Connection::finish(Pending& pending) {
  // A server that leaves a part out has failed to read it.
  if (pending.request.command == kCmdRead && pending.error == 0 &&
      pending.received != pending.request.size)
    pending.error = -EIO;
  const std::lock_guard lock(mutex_);
  pending.done = true;
}

bool Connection::receive_reply() {
  static_assert(kSimpleReplySize < kStructuredReplySize);
  std::array<u8, kStructuredReplySize> bytes;
  if (!channel_.receive(bytes.data(), kSimpleReplySize)) return lose_contact();
  FieldReader fields(bytes);
  const u32 magic = fields.u32_field();
  if (magic == kSimpleReplyMagic) {
    const u32 error = fields.u32_field();
    Pending* const pending = find(fields.u64_field());
    return pending == nullptr ? lose(kNoReply) : receive_simple(*pending, error);
  }
  if (magic != kStructuredReplyMagic || !info_.structured) return lose(kNoReply);
  if (!channel_.receive(bytes.data() + kSimpleReplySize, kStructuredReplySize - kSimpleReplySize))
    return lose_contact();
  Chunk chunk{.flags = fields.u16_field(), .type = fields.u16_field()};
  Pending* const pending = find(fields.u64_field());
  chunk.size = fields.u32_field();
  if (pending == nullptr) return lose(kNoReply);
  if (!receive_chunk(*pending, chunk)) return false;
  if ((chunk.flags & kReplyFlagDone) != 0) finish(*pending);
  return true;
}

bool Connection::receive_simple(Pending& pending, u32 error) {
  const Request& request = pending.request;
  pending.error = errno_of(error);
  if (request.command == kCmdBlockStatus && error == 0) return lose(kNoReply);
  if (request.command == kCmdRead) {
    if (info_.structured) return lose(kNoReply);
    if (error == 0 && !channel_.receive(request.iov)) return lose_contact();
    pending.received = request.size;
  }
  finish(pending);
  return true;
}

bool Connection::receive_chunk(Pending& pending, const Chunk& chunk) {
  switch (chunk.type) {
    case kReplyNone:
      return chunk.size == 0 || lose(kNoReply);
    case kReplyOffsetData:
    case kReplyOffsetHole:
      return receive_part(pending, chunk);
    case kReplyBlockStatus:
      return receive_status(pending, chunk.size);
    default:
      return (chunk.type & kReplyTypeError) != 0 ? receive_error(pending, chunk.size)
                                                 : lose(kNoReply);
  }
}

bool Connection::receive_part(Pending& pending, const Chunk& chunk) {
  const Request& request = pending.request;
  const bool is_hole = chunk.type == kReplyOffsetHole;
  std::array<u8, 12> bytes;
  const std::size_t head = is_hole ? 12 : 8;
  if (request.command != kCmdRead || chunk.size < head || (is_hole && chunk.size != head))
    return lose(kNoReply);
  if (!channel_.receive(bytes.data(), head)) return lose_contact();
  FieldReader fields(bytes);
  const u64 offset = fields.u64_field();
  const u64 size = is_hole ? fields.u32_field() : chunk.size - head;
  if (offset < request.offset || offset - request.offset > request.size ||
      size > request.size - (offset - request.offset))
    return lose(kNoReply);
  const std::vector<iovec> part = part_of(request.iov, offset - request.offset, size);
  pending.received += size;
  if (!is_hole) return channel_.receive(part) || lose_contact();
  for (const iovec& piece : part) std::memset(piece.iov_base, 0, piece.iov_len);
  return true;
}

bool Connection::receive_status(Pending& pending, u32 size) {
  Request& request = pending.request;
  std::array<u8, 12> bytes;
  if (request.command != kCmdBlockStatus || size < bytes.size() || size > kMaxOther)
    return lose(kNoReply);
  if (!channel_.receive(bytes.data(), bytes.size()) || !channel_.skip(size - bytes.size()))
    return lose_contact();
  FieldReader fields(bytes);
  if (fields.u32_field() != info_.base_allocation.value_or(0)) return lose(kNoReply);
  request.part_size = fields.u32_field();
  request.part_state = fields.u32_field();
  return true;
}

bool Connection::receive_error(Pending& pending, u32 size) {
  std::array<u8, 4> bytes;
  if (size < bytes.size() || size > kMaxOther) return lose(kNoReply);
  if (!channel_.receive(bytes.data(), bytes.size()) || !channel_.skip(size - bytes.size()))
    return lose_contact();
  const int error = errno_of(FieldReader(bytes).u32_field());
  if (pending.error == 0) pending.error = error == 0 ? -EIO : error;
  return true;
}

}  // namespace backplane::nbd
