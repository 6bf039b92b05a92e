// SPDX-License-Identifier: MIT
// One access to a device: split or widened to the sizes that the device implements.
#include <algorithm>
#include <bit>

#include "backplane/memory.h"
#include "diagnostics/module_fault.h"
#include "memory/mmio_by.h"

namespace backplane {

namespace {

// The handlers that are running on this thread, innermost first.
struct Active {
  const void* self;
  const Active* outer;
};
thread_local const Active* active_handlers = nullptr;

// Marks a handler's subject as busy for a scope; a subject that is reached again by an access that
// it caused itself is refused.
class Entry {
 public:
  explicit Entry(const MmioHandler& handler) : active_{handler.self, active_handlers} {
    for (const Active* a = active_handlers; a != nullptr; a = a->outer)
      if (a->self == handler.self) return;
    entered_ = true;
    active_handlers = &active_;
  }
  ~Entry() {
    if (entered_) active_handlers = active_.outer;
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  bool entered() const { return entered_; }

 private:
  Active active_;
  bool entered_ = false;
};

u64 mask_of(unsigned size) { return size >= 8 ? ~u64{0} : (u64{1} << (size * 8)) - 1; }

// One access as the device gets it, and where its bytes belong in the access asked for.
struct Piece {
  u64 offset;       // in the region, as the device sees it
  unsigned size;    // likewise
  unsigned at;      // first byte of the access asked for
  unsigned bytes;   // of the access asked for
  unsigned inside;  // first byte of them in the device's access
};

// The piece that begins with byte `at` of an access of `size` bytes at `offset`.
Piece piece_at(const MmioHandler& handler, u64 offset, unsigned size, unsigned at) {
  const u64 here = offset + at;
  unsigned bytes = std::min(std::bit_floor(size - at), handler.max_size);
  if (!handler.unaligned)
    while (here % bytes != 0) bytes /= 2;
  if (bytes >= handler.min_size) return {here, bytes, at, bytes, 0};
  const u64 start = handler.unaligned ? here : here & ~u64{handler.min_size - 1};
  const auto inside = static_cast<unsigned>(here - start);
  return {start, handler.min_size, at, std::min(size - at, handler.min_size - inside), inside};
}

bool inside(const FlatRange& range, u64 address, unsigned size) {
  return address >= range.start && address - range.start < range.size &&
         size <= range.size - (address - range.start);
}

}  // namespace

MemResult mmio_read_by(const MmioHandler& handler, const FlatRange& range, u64 address, u64& value,
                       unsigned size) {
  value = mask_of(size);
  if (!inside(range, address, size)) return MemResult::DecodeError;
  if (handler.read == nullptr) return MemResult::AccessError;
  const Entry entry(handler);
  if (!entry.entered()) return MemResult::AccessError;

  const u64 offset = range.offset + (address - range.start);
  u64 result = 0;
  try {
    for (unsigned at = 0; at < size;) {
      const Piece piece = piece_at(handler, offset, size, at);
      const u64 got = handler.read(handler.self, piece.offset, piece.size) >> (piece.inside * 8);
      result |= (got & mask_of(piece.bytes)) << (piece.at * 8);
      at += piece.bytes;
    }
  } catch (...) {
    end_for_exception(reinterpret_cast<const void*>(handler.read),
                      fmt::format("a read of '{}' at {:#x}", range.region->name(), offset));
  }
  value = result;
  range.region->trace()("{:#x} is read, {} bytes: {:#x}", address, size, value);
  return MemResult::Ok;
}

MemResult mmio_write_by(const MmioHandler& handler, const FlatRange& range, u64 address, u64 value,
                        unsigned size) {
  if (!inside(range, address, size)) return MemResult::DecodeError;
  if (handler.write == nullptr) return MemResult::AccessError;
  const Entry entry(handler);
  if (!entry.entered()) return MemResult::AccessError;

  range.region->trace()("{:#x} is written, {} bytes: {:#x}", address, size, value & mask_of(size));
  const u64 offset = range.offset + (address - range.start);
  try {
    for (unsigned at = 0; at < size;) {
      const Piece piece = piece_at(handler, offset, size, at);
      const u64 bytes = (value >> (piece.at * 8)) & mask_of(piece.bytes);
      handler.write(handler.self, piece.offset, bytes << (piece.inside * 8), piece.size);
      at += piece.bytes;
    }
  } catch (...) {
    end_for_exception(reinterpret_cast<const void*>(handler.write),
                      fmt::format("a write of '{}' at {:#x}", range.region->name(), offset));
  }
  return MemResult::Ok;
}

// The handler is copied: what it does may take its region away.
MemResult mmio_read(const FlatRange& range, u64 address, u64& value, unsigned size) {
  const MmioHandler handler = range.region->handler();
  return mmio_read_by(handler, range, address, value, size);
}

MemResult mmio_write(const FlatRange& range, u64 address, u64 value, unsigned size) {
  const MmioHandler handler = range.region->handler();
  return mmio_write_by(handler, range, address, value, size);
}

}  // namespace backplane
