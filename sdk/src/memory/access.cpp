// SPDX-License-Identifier: MIT
// Reads and writes of any length: RAM on the calling thread, MMIO piece by piece.
#include <algorithm>
#include <bit>
#include <cstring>

#include "backplane/machine_lock.h"
#include "backplane/memory.h"
#include "memory/address_space_impl.h"
#include "memory/mmio_by.h"

namespace backplane {

namespace {

// What a read gives where nothing answers: an undriven bus.
constexpr u8 kFloating = 0xff;

// How many of `size` bytes at `address` lie in the range.
u64 bytes_in(const FlatRange& range, u64 address, u64 size) {
  return std::min(size, range.size - (address - range.start));
}

// How many of `size` bytes at `address` lie before the range, or before the end of all addresses.
u64 bytes_before(const FlatRange* next, u64 address, u64 size) {
  return next != nullptr ? std::min(size, next->start - address) : size;
}

// A device sees an access of 1, 2, 4 or 8 bytes as it is; anything else in aligned pieces.
unsigned mmio_piece(u64 address, u64 size) {
  if (size <= 8 && std::has_single_bit(size)) return static_cast<unsigned>(size);
  const u64 aligned = address == 0 ? 8 : address & (~address + 1);
  return static_cast<unsigned>(std::min({aligned, std::bit_floor(size), u64{8}}));
}

template <class T>
void copy_one(void* to, const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  std::memcpy(to, &value, sizeof value);
}

// Copies between RAM and a buffer; numbers in one piece, so that the other side never sees half.
void copy(void* to, const void* from, u64 size) {
  switch (size) {
    case 1:
      return copy_one<u8>(to, from);
    case 2:
      return copy_one<u16>(to, from);
    case 4:
      return copy_one<u32>(to, from);
    case 8:
      return copy_one<u64>(to, from);
    default:
      std::memcpy(to, from, size);
  }
}

// Remembers the first thing that went wrong.
void note(MemResult& overall, MemResult piece) {
  if (overall == MemResult::Ok) overall = piece;
}

}  // namespace

MemResult AddressSpace::read(u64 address, void* data, u64 size) {
  MemResult result = MemResult::Ok;
  u8* out = static_cast<u8*>(data);
  while (size != 0) {
    const FlatRange* const range = look_up(address);
    u64 done;
    if (range == nullptr || range->start > address) {
      done = bytes_before(range, address, size);
      std::memset(out, kFloating, done);
      note(result, MemResult::DecodeError);
    } else if (range->is_ram()) {
      done = bytes_in(*range, address, size);
      copy(out, range->host + (address - range->start), done);
    } else {
      const MachineLock::Guard lock;
      // The tree may have changed while we waited for the lock; then look again.
      const FlatRange* const now = look_up(address);
      if (now == nullptr || now->start > address || now->is_ram()) continue;
      const FlatRange copied = *now;
      const unsigned piece = mmio_piece(address, bytes_in(copied, address, size));
      u64 value = 0;
      note(result, mmio_read(copied, address, value, piece));
      std::memcpy(out, &value, piece);
      done = piece;
    }
    out += done;
    address += done;
    size -= done;
  }
  return result;
}

MemResult AddressSpace::write(u64 address, const void* data, u64 size) {
  MemResult result = MemResult::Ok;
  const u8* in = static_cast<const u8*>(data);
  while (size != 0) {
    const FlatRange* const range = look_up(address);
    u64 done;
    if (range == nullptr || range->start > address) {
      done = bytes_before(range, address, size);
      note(result, MemResult::DecodeError);
    } else if (!range->takes_writes()) {
      done = bytes_in(*range, address, size);
      if (range->readonly) {
        note(result, MemResult::AccessError);
      } else {
        const u64 offset = address - range->start;
        range->block->about_to_write(range->block_offset + offset, done);
        copy(range->host + offset, in, done);
      }
    } else {
      const MachineLock::Guard lock;
      const FlatRange* const now = look_up(address);
      if (now == nullptr || now->start > address || !now->takes_writes()) continue;
      const FlatRange copied = *now;
      const unsigned piece = mmio_piece(address, bytes_in(copied, address, size));
      u64 value = 0;
      std::memcpy(&value, in, piece);
      note(result, mmio_write(copied, address, value, piece));
      done = piece;
    }
    in += done;
    address += done;
    size -= done;
  }
  return result;
}

MemResult AddressSpace::debug_read(u64 address, void* data, u64 size) {
  u8* out = static_cast<u8*>(data);
  while (size != 0) {
    const FlatRange* const found = look_up(address);
    if (found == nullptr || found->start > address) return MemResult::DecodeError;
    const FlatRange range = *found;
    u64 done = bytes_in(range, address, size);
    if (range.is_ram()) {
      std::memcpy(out, range.host + (address - range.start), done);
    } else {
      const MmioHandler* const own = impl_->debug_handler(*range.region);
      const unsigned piece = mmio_piece(address, done);
      u64 value = 0;
      const MemResult result = own != nullptr ? mmio_read_by(*own, range, address, value, piece)
                                              : mmio_read(range, address, value, piece);
      if (result != MemResult::Ok) return result;
      std::memcpy(out, &value, piece);
      done = piece;
    }
    out += done;
    address += done;
    size -= done;
  }
  return MemResult::Ok;
}

MemResult AddressSpace::debug_write(u64 address, const void* data, u64 size) {
  const u8* in = static_cast<const u8*>(data);
  while (size != 0) {
    const FlatRange* const found = look_up(address);
    if (found == nullptr || found->start > address) return MemResult::DecodeError;
    const FlatRange range = *found;
    u64 done = bytes_in(range, address, size);
    if (range.is_ram()) {
      const u64 offset = address - range.start;
      range.block->about_to_write(range.block_offset + offset, done);
      std::memcpy(range.host + offset, in, done);
    } else {
      const MmioHandler* const own = impl_->debug_handler(*range.region);
      const unsigned piece = mmio_piece(address, done);
      u64 value = 0;
      std::memcpy(&value, in, piece);
      if (own == nullptr) return MemResult::AccessError;
      const MemResult result = mmio_write_by(*own, range, address, value, piece);
      if (result != MemResult::Ok) return result;
      done = piece;
    }
    in += done;
    address += done;
    size -= done;
  }
  return MemResult::Ok;
}

MemResult AddressSpace::fill(u64 address, u8 value, u64 size) {
  MemResult result = MemResult::Ok;
  while (size != 0) {
    const FlatRange* const range = look_up(address);
    u64 done;
    if (range == nullptr || range->start > address) {
      done = bytes_before(range, address, size);
      note(result, MemResult::DecodeError);
    } else {
      done = bytes_in(*range, address, size);
      if (!range->is_ram() || range->readonly) {
        note(result, MemResult::AccessError);
      } else {
        const u64 offset = address - range->start;
        range->block->about_to_write(range->block_offset + offset, done);
        std::memset(range->host + offset, value, done);
      }
    }
    address += done;
    size -= done;
  }
  return result;
}

u8* AddressSpace::ram_pointer(u64 address, u64 size, bool for_write) {
  const FlatRange* const range = look_up(address);
  if (range == nullptr || range->start > address || !range->is_ram()) return nullptr;
  if (for_write && range->readonly) return nullptr;
  const u64 offset = address - range->start;
  if (size > range->size - offset) return nullptr;
  if (for_write) range->block->about_to_write(range->block_offset + offset, size);
  return range->host + offset;
}

}  // namespace backplane
