// SPDX-License-Identifier: MIT
// From the driver's requests to the disk's. Where descriptors begin and end means nothing: the
// header is the first 16 bytes to read, the status is the last byte to write.
// [virtio-1.2 §5.2.6 "Device Operation", 2.7.4 "Message Framing"]
#include <algorithm>
#include <cstring>

#include "backplane/virtio/scatter_gather.h"
#include "block/block_device.h"

namespace backplane {

using namespace virtio_block;

VirtioBlock::Request& VirtioBlock::take_request() {
  if (free_requests_.empty()) {
    requests_.push_back(std::make_unique<Request>());
    free_requests_.push_back(requests_.back().get());
  }
  Request& request = *free_requests_.back();
  free_requests_.pop_back();
  return request;
}

void VirtioBlock::serve(VirtQueue& queue) {
  queue.for_each(element_, [this, &queue](VirtElement& element) {
    if (element.out_size < sizeof(RequestHeader) || element.in_size < 1) {
      mark_needs_reset("a request without a header or without a status byte");
      return false;
    }
    Request& request = take_request();
    request.queue = &queue;
    std::swap(request.element, element);
    request.held = false;
    start(request);
    return true;
  });
}

void VirtioBlock::start(Request& request) {
  request.parts = 0;
  request.failed = false;
  request.flush_after = false;
  gather(request.element.out, 0, &request.header, sizeof request.header);
  switch (request.header.type) {
    case kIn:
    case kOut:
      return start_transfer(request);
    case kFlushRequest:
      return start_flush(request);
    case kGetId:
      return give_id(request);
    case kDiscardRequest:
    case kWriteZeroesRequest:
      return start_ranges(request);
    default:
      guest_error("a request is of type {}, which is none", u32{request.header.type});
      return finish(request, kUnsupported);
  }
}

void VirtioBlock::start_transfer(Request& request) {
  const bool write = request.header.type == kOut;
  const VirtElement& e = request.element;
  const u64 size = write ? e.out_size - sizeof(RequestHeader) : e.in_size - 1;
  if (size % kSectorSize != 0 || !in_bounds(request.header.sector, size / kSectorSize) ||
      (write && drive_->read_only()))
    return finish(request, kIoError);
  if (size == 0) return finish(request, kOk);
  BlockRequest piece;
  piece.op = write ? BlockOp::Write : BlockOp::Read;
  piece.offset = request.header.sector * kSectorSize;
  piece.size = size;
  if (write)
    slice(e.out, sizeof(RequestHeader), size, piece.iov);
  else
    slice(e.in, 0, size, piece.iov);
  request.flush_after = write && write_through();
  request.parts = 1;
  submit(request, std::move(piece));
  part_done(request, 0);
}

void VirtioBlock::start_flush(Request& request) {
  BlockRequest piece;
  piece.op = BlockOp::Flush;
  request.parts = 1;
  submit(request, std::move(piece));
  part_done(request, 0);
}

void VirtioBlock::start_ranges(Request& request) {
  const bool discard = request.header.type == kDiscardRequest;
  const VirtElement& e = request.element;
  const u64 bytes = e.out_size - sizeof(RequestHeader);
  const u64 count = bytes / sizeof(RangeSegment);
  constexpr u64 kMost = 32;
  if (!(discard ? discard_ : write_zeroes_)) {
    guest_error("a request is of type {}, which was not offered", u32{request.header.type});
    return finish(request, kUnsupported);
  }
  if (drive_->read_only() || bytes % sizeof(RangeSegment) != 0 || count == 0 || count > kMost)
    return finish(request, kIoError);
  std::array<RangeSegment, kMost> segments;
  gather(e.out, sizeof(RequestHeader), segments.data(), bytes);
  for (u64 i = 0; i < count; ++i) {
    const RangeSegment& segment = segments[i];
    if ((segment.flags & ~(discard ? 0 : kRangeUnmap)) != 0) return finish(request, kUnsupported);
    if (!in_bounds(segment.sector, segment.sectors)) return finish(request, kIoError);
  }
  request.flush_after = write_through();
  request.parts = 1;
  for (u64 i = 0; i < count; ++i) {
    if (segments[i].sectors == 0) continue;
    BlockRequest piece;
    piece.op = discard ? BlockOp::Discard : BlockOp::WriteZeroes;
    piece.offset = segments[i].sector * kSectorSize;
    piece.size = segments[i].sectors * kSectorSize;
    piece.may_unmap = (segments[i].flags & kRangeUnmap) != 0;
    submit(request, std::move(piece));
  }
  part_done(request, 0);
}

void VirtioBlock::give_id(Request& request) {
  std::array<char, kIdSize> id{};
  std::copy(serial_.begin(), serial_.end(), id.begin());
  scatter(request.element.in, 0, id.data(), std::min(kIdSize, request.element.in_size - 1));
  finish(request, kOk);
}

void VirtioBlock::submit(Request& request, BlockRequest piece) {
  ++request.parts;
  piece.done = [this, &request](int result) { part_done(request, result); };
  if (request.held)
    disk_->hold(std::move(piece));
  else
    disk_->submit(std::move(piece));
}

void VirtioBlock::part_done(Request& request, int result) {
  if (result != 0) request.failed = true;
  if (--request.parts != 0) return;
  if (request.flush_after && !request.failed) {
    request.flush_after = false;
    request.held = false;
    start_flush(request);
    return;
  }
  finish(request, request.failed ? kIoError : kOk);
}

void VirtioBlock::finish(Request& request, u8 status) {
  const VirtElement& e = request.element;
  scatter(e.in, e.in_size - 1, &status, 1);
  // Of a request that failed, nothing is promised about what lies before the status.
  const bool all_written = status == kOk || e.in_size == 1;
  VirtQueue& queue = *request.queue;
  queue.push(e, all_written ? static_cast<u32>(e.in_size) : 0);
  request.queue = nullptr;
  free_requests_.push_back(&request);
  queue.notify();
}

}  // namespace backplane
