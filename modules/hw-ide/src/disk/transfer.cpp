// SPDX-License-Identifier: MIT
// Sectors between the host and the disk. What a command moves is cut into chunks that fit the
// buffer. [ATA/ATAPI-7 volume 2 "PIO data-in", "PIO data-out", "DMA command protocol"]
#include <algorithm>
#include <cerrno>

#include "disk/disk.h"

namespace backplane::ide {

namespace {

u64 earlier_and_last(u8 earlier, u8 last) { return u64{earlier} << 24 | last; }

// An entry of DATA SET MANAGEMENT. [ATA8-ACS 7.10.3.1 "TRIM"]
constexpr unsigned kRangeSectorBits = 48;

}  // namespace

std::optional<u64> IdeDisk::addressed_sector(bool extended) const {
  const TaskFile& registers = task();
  if (extended)
    return earlier_and_last(registers.earlier_lba_low, registers.lba_low) |
           earlier_and_last(registers.earlier_lba_mid, registers.lba_mid) << 8 |
           earlier_and_last(registers.earlier_lba_high, registers.lba_high) << 16;
  const u64 low = u64{registers.lba_high} << 16 | u64{registers.lba_mid} << 8 | registers.lba_low;
  const u64 head = registers.device & device::kHead;
  if ((registers.device & device::kLba) != 0) return head << 24 | low;
  const Geometry& geometry = state_.geometry;
  const u64 cylinder = low >> 8;
  const u64 sector = registers.lba_low;
  if (sector == 0 || sector > geometry.sectors || head >= geometry.heads) return std::nullopt;
  return (cylinder * geometry.heads + head) * geometry.sectors + sector - 1;
}

void IdeDisk::put_address(u64 sector) {
  TaskFile& registers = task();
  const bool by_number = state_.extended || (registers.device & device::kLba) != 0;
  u8 head = static_cast<u8>(sector >> 24 & device::kHead);
  if (!by_number) {
    const Geometry& geometry = state_.geometry;
    const u64 track = sector / geometry.sectors;
    head = static_cast<u8>(track % geometry.heads);
    sector = track / geometry.heads << 8 | (sector % geometry.sectors + 1);
  }
  registers.lba_low = static_cast<u8>(sector);
  registers.lba_mid = static_cast<u8>(sector >> 8);
  registers.lba_high = static_cast<u8>(sector >> 16);
  if (state_.extended) {
    registers.earlier_lba_low = static_cast<u8>(sector >> 24);
    registers.earlier_lba_mid = static_cast<u8>(sector >> 32);
    registers.earlier_lba_high = static_cast<u8>(sector >> 40);
  } else {
    registers.device = static_cast<u8>((registers.device & ~device::kHead) | head);
  }
}

void IdeDisk::start(const Transfer& transfer) {
  constexpr u32 kMost28 = 256, kMost48 = 65536;
  const TaskFile& registers = task();
  u32 count = registers.count;
  if (transfer.extended) count |= u32{registers.earlier_count} << 8;
  if (count == 0) count = transfer.extended ? kMost48 : kMost28;
  if (transfer.multiple && state_.multiple == 0) return fail(error::kAborted);
  const std::optional<u64> sector = addressed_sector(transfer.extended);
  if (!sector || *sector >= sectors() || count > sectors() - *sector) return fail(error::kNotFound);
  state_.way = transfer.way;
  state_.sector = *sector;
  state_.left = count;
  state_.chunk = 0;
  state_.extended = transfer.extended;
  state_.at_once = transfer.multiple ? state_.multiple : 1;
  state_.flush_after = transfer.flush_after || !state_.write_cache;
  next_chunk();
}

// Of a chunk that is written by PIO, the first block of the command alone is not announced.
void IdeDisk::next_chunk() {
  const bool first = state_.chunk == 0;
  constexpr u32 kMostSectors = kMostBuffered / kSectorSize;
  state_.chunk = std::min(state_.left, kMostSectors);
  const std::size_t size = state_.chunk * kSectorSize;
  switch (state_.way) {
    case Way::Write:
      return accept(size, 0, std::min(state_.chunk, state_.at_once) * kSectorSize, !first);
    case Way::WriteDma:
      return accept_dma(size);
    default:
      buffer().resize(size);
      return submit();
  }
}

BlockRequest IdeDisk::pending_request() {
  BlockRequest request;
  if (state_.way == Way::Flush) {
    request.op = BlockOp::Flush;
    return request;
  }
  if (state_.way == Way::Trim) {
    u64 entry = 0;
    for (unsigned i = 0; i < sizeof entry; ++i)
      entry |= u64{buffer()[state_.ranges * sizeof entry + i]} << i * 8;
    request.op = BlockOp::Discard;
    request.offset = (entry & ((u64{1} << kRangeSectorBits) - 1)) * kSectorSize;
    request.size = (entry >> kRangeSectorBits) * kSectorSize;
    return request;
  }
  const bool write = state_.way == Way::Write || state_.way == Way::WriteDma;
  request.op = write ? BlockOp::Write : BlockOp::Read;
  request.offset = state_.sector * kSectorSize;
  request.size = state_.chunk * kSectorSize;
  buffer().resize(request.size);
  request.iov = {{buffer().data(), request.size}};
  return request;
}

void IdeDisk::carried_out(int result) {
  if (state_.way == Way::Flush)
    return result == 0 ? finish() : fail(error::kAborted, status::kFault);
  if (state_.way == Way::Trim) {
    if (result != 0) return fail(error::kAborted);
    ++state_.ranges;
    return next_range();
  }
  const bool write = state_.way == Way::Write || state_.way == Way::WriteDma;
  if (result != 0) {
    put_address(state_.sector);
    state_.chunk = 0;
    return write ? fail(error::kAborted, status::kFault) : fail(error::kUncorrectable);
  }
  switch (state_.way) {
    case Way::Read:
      return offer(0, std::min(state_.chunk, state_.at_once) * kSectorSize);
    case Way::ReadDma:
      return offer_dma();
    default:
      return data_moved();
  }
}

void IdeDisk::moved() {
  switch (state_.way) {
    case Way::Trim:
      state_.ranges = 0;
      return next_range();
    case Way::Write:
    case Way::WriteDma:
    case Way::Read: {
      const std::size_t rest = buffer().size() - position();
      const std::size_t at_once = std::min<std::size_t>(rest, state_.at_once * kSectorSize);
      if (rest == 0) return state_.way == Way::Read ? data_moved() : submit();
      if (state_.way == Way::Read) return offer(position(), at_once);
      return accept(buffer().size(), position(), at_once, true);
    }
    case Way::ReadDma:
      return data_moved();
    default:
      return finish();  // IDENTIFY
  }
}

// A chunk is where it was to go.
void IdeDisk::data_moved() {
  state_.sector += state_.chunk;
  state_.left -= state_.chunk;
  if (state_.left != 0) return next_chunk();
  state_.chunk = 0;
  put_address(state_.sector - 1);
  const bool write = state_.way == Way::Write || state_.way == Way::WriteDma;
  if (write && state_.flush_after) {
    state_.way = Way::Flush;
    return submit();
  }
  finish();
}

// A command whose last data the host has read needs no interrupt to say so, when it was PIO.
void IdeDisk::finish() {
  const bool silent = state_.way == Way::Read || state_.way == Way::None;
  state_.way = Way::None;
  silent ? complete_silently() : complete();
}

void IdeDisk::start_trim() {
  constexpr u8 kTrim = 0x01;
  constexpr std::size_t kMostBlocks = 8;
  const std::size_t blocks = task().count;
  if ((task().features & kTrim) == 0 || blocks == 0 || blocks > kMostBlocks)
    return fail(error::kAborted);
  state_.way = Way::Trim;
  accept_dma(blocks * kSectorSize);
}

// Ranges of no sectors fill what is left of a block.
void IdeDisk::next_range() {
  for (; state_.ranges < buffer().size() / sizeof(u64); ++state_.ranges) {
    const BlockRequest request = pending_request();
    if (request.size == 0) continue;
    const u64 size = node().size();
    if (request.offset >= size || request.size > size - request.offset)
      return fail(error::kNotFound);
    return submit();
  }
  finish();
}

}  // namespace backplane::ide
