// SPDX-License-Identifier: MIT
// Host memory that guest code under test uses at its own addresses, so that an instruction can run
// natively and interpreted on the same bytes.
#pragma once

#include <sys/mman.h>

#include <array>
#include <cstring>
#include <new>

#include "backplane/x86/mmu.h"

namespace backplane::x86::testing {

// Pages of memory below 4 GiB (32-bit code can reach them), between two that cannot be accessed.
class Arena {
 public:
  static constexpr u64 kSize = 16 * kPageSize;

  Arena() {
    const u64 whole = kSize + 2 * kPageSize;
    void* p = mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<u8*>(p) + kPageSize;
    mprotect(base_, kSize, PROT_READ | PROT_WRITE);
  }
  ~Arena() { munmap(base_ - kPageSize, kSize + 2 * kPageSize); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  u8* data() const { return base_; }
  u64 address(u64 offset = 0) const { return reinterpret_cast<u64>(base_) + offset; }
  u64 middle() const { return address(kSize / 2); }
  bool contains(u64 at, u64 size) const {
    return at >= address() && at - address() <= kSize && size <= kSize - (at - address());
  }

 private:
  u8* base_ = nullptr;
};

// An arena as linear memory. Pages can be taken away or made read-only; what is outside is not
// present.
class ArenaMemory final : public LinearMemory {
 public:
  explicit ArenaMemory(Arena& arena) : arena_(arena) { rights_.fill(kReadWrite); }

  enum Rights : u8 { kNone, kRead, kReadWrite };
  void set_rights(u64 page, Rights rights) { rights_[page] = rights; }
  void set_rights(Rights rights) { rights_.fill(rights); }
  // Where false, atomic_pointer() gives null, as for memory that is not RAM.
  bool direct = true;

  void read(u64 linear, void* data, unsigned size, Privilege) override {
    check(linear, size, kRead, 0);
    std::memcpy(data, reinterpret_cast<void*>(linear), size);
  }
  void write(u64 linear, const void* data, unsigned size, Privilege) override {
    check(linear, size, kReadWrite, kPfWrite);
    std::memcpy(reinterpret_cast<void*>(linear), data, size);
  }
  unsigned fetch(u64 linear, u8* data, unsigned size, Privilege) override {
    unsigned n = 0;
    for (; n < size && rights(linear + n) != kNone; ++n)
      data[n] = *reinterpret_cast<u8*>(linear + n);
    if (n == 0) throw page_fault(linear, kPfFetch);
    return n;
  }
  void* atomic_pointer(u64 linear, unsigned size, Privilege) override {
    check(linear, size, kReadWrite, kPfWrite);
    const bool crosses = ((linear ^ (linear + size - 1)) & kPageMask) != 0;
    return direct && !crosses ? reinterpret_cast<void*>(linear) : nullptr;
  }

 private:
  Rights rights(u64 linear) const {
    return arena_.contains(linear, 1) ? rights_[(linear - arena_.address()) / kPageSize] : kNone;
  }
  static GuestException page_fault(u64 linear, u32 error) {
    return {.vector = kPFVector, .has_error_code = true, .error_code = error, .cr2 = linear};
  }
  void check(u64 linear, unsigned size, Rights needed, u32 error) const {
    for (unsigned n = 0; n < size; ++n) {
      const u64 at = linear + n;  // the end of the address space is before its start
      if (rights(at) < needed) throw page_fault(at, error | (rights(at) == kNone ? 0 : kPfPresent));
    }
  }

  Arena& arena_;
  std::array<Rights, Arena::kSize / kPageSize> rights_;
};

}  // namespace backplane::x86::testing
