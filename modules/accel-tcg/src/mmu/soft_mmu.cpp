// SPDX-License-Identifier: MIT
#include "mmu/soft_mmu.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backplane/machine.h"
#include "cache/code_cache.h"
#include "mmu/mmu_trace.h"

namespace backplane::tcg {
namespace {

constexpr bool canonical(u64 linear) {
  return (static_cast<i64>(linear << 16) >> 16) == static_cast<i64>(linear);
}

Privilege privilege_of(MmuIndex index) {
  return index == kMmuUser ? Privilege::User : Privilege::Supervisor;
}

}  // namespace

SoftMmu::SoftMmu(X86Cpu& cpu, AddressSpace& memory, CodeCache& code)
    : cpu_(cpu),
      state_(cpu.state()),
      jit_(jit_state(cpu)),
      memory_(memory),
      code_(code),
      traced_(walks_are_traced()),
      fills_slowly_(traced_) {
  for (unsigned i = 0; i < kMmuCount; ++i) {
    // The table is zeroes yet, which of all entries the first alone would take for its own.
    filled_[i] = 0;
    set_unusable(jit_.tlb[i][0], 0);
  }
  spaces_[space_].pcid = 0;
  for (unsigned n = 0; n < kMmuCount; ++n) renew_jumps(static_cast<MmuIndex>(n));
}

MmuIndex SoftMmu::index_of(Privilege privilege) const {
  switch (privilege) {
    case Privilege::User:
      return kMmuUser;
    case Privilege::ImplicitSupervisor:
      return kMmuKernel;
    case Privilege::Supervisor:
      break;
  }
  return (state_.cr4 & x86::kCr4SMAP) != 0 && (state_.rflags & x86::kAC) != 0 ? kMmuKernelAc
                                                                              : kMmuKernel;
}

const FlatRange* SoftMmu::range_at(u64 physical) {
  const u64 generation = memory_.generation();
  if (generation != view_generation_) {
    view_ = memory_.view();
    view_generation_ = generation;
    last_range_ = nullptr;
    flush(true);
  }
  if (last_range_ == nullptr || physical - last_range_->start >= last_range_->size)
    last_range_ = view_->find(physical);
  return last_range_;
}

SoftMmu::Target SoftMmu::resolve(u64 linear, Access access, MmuIndex index) {
  Target target;
  const u64 page = linear & kPageMask;
  const unsigned slot = tlb_index(linear);
  {
    const TlbEntry& e = jit_.tlb[index][slot];
    const u64 tag = access == Access::Read    ? e.read_tag
                    : access == Access::Write ? e.write_tag
                                              : e.exec_tag;
    if (tag == page && memory_.generation() == view_generation_) {
      target.host = reinterpret_cast<u8*>(e.host) + (linear - page);
      return target;
    }
  }
  const DevicePage& device = device_page(linear, index);
  if (device.page == page && access != Access::Execute &&
      (access == Access::Read ? device.readable : device.writable) &&
      memory_.generation() == view_generation_) {
    target.physical = device.physical + (linear - page);
    return target;
  }
  target = fill(linear, access, index);
  if (traced_) trace_fill(cpu_, linear, access, index, target);
  return target;
}

SoftMmu::Target SoftMmu::fill(u64 linear, Access access, MmuIndex index) {
  Target target;
  const u64 page = linear & kPageMask;
  const unsigned slot = tlb_index(linear);
  if ((state_.cr0 & x86::kCr0PG) != 0 && state_.long_mode_active() && !canonical(linear)) {
    target.faulted = true;
    target.canonical = false;
    return target;
  }
  // Implicit supervisor accesses use the kernel's TLB, which holds no user pages under SMAP.
  const Privilege privilege =
      index == kMmuKernel && (state_.rflags & x86::kAC) != 0 && (state_.cr4 & x86::kCr4SMAP) != 0
          ? Privilege::ImplicitSupervisor
          : privilege_of(index);
  const x86::Translation t = translate(state_, memory_, linear, access, privilege);
  if (!t.ok) {
    target.faulted = true;
    target.fault = t.error_code;
    return target;
  }
  target.physical = t.physical;
  const u64 physical_page = t.physical & kPageMask;
  const FlatRange* range = range_at(physical_page);
  if (range == nullptr || !range->is_ram() || physical_page < range->start ||
      physical_page + kPageSize > range->start + range->size) {
    device_page(linear, index) = {page, physical_page, t.readable, t.writable};
    knows_devices_ = true;
    return target;
  }
  if (range->readonly && access == Access::Write) return target;

  const u64 ram_offset = range->block_offset + (physical_page - range->start);
  u8* host_page = range->host + (physical_page - range->start);
  const std::atomic<u8>& page_flags = range->block->page_flags(ram_offset);
  if (access == Access::Write && logs_first_write(*range->block, page_flags))
    range->block->mark_written(ram_offset, kPageSize);
  const bool has_code = (page_flags.load(std::memory_order_relaxed) & RamBlock::kHasCode) != 0;
  const u64 unusable = unusable_tag(slot);
  TlbEntry& e = jit_.tlb[index][slot];
  e.host = reinterpret_cast<u64>(host_page);
  // A check for writing stands for one for reading too.
  const bool watches_reads = watching() && watches_page(page, true);
  const bool watches_any = watching() && watches_page(page, false);
  e.read_tag = t.readable && !watches_reads ? page : unusable;
  e.write_tag = t.writable && !range->readonly && !has_code && !watches_any &&
                        !logs_first_write(*range->block, page_flags)
                    ? page
                    : unusable;
  e.exec_tag = t.executable ? page : unusable;
  check_for_code(e, slot, page_flags);
  note_fill(index, slot);
  ++counters_.fills;
  if (index == kMmuKernel && !t.global) {
    if (non_global_count_ < kNonGlobalSlots)
      non_global_[non_global_count_] = static_cast<u16>(slot);
    ++non_global_count_;
    if (t.executable) kernel_executed_non_global_ = true;
  }
  if (t.page_size > kPageSize) note_large(linear, t.page_size);
  target.host = host_page + (linear - page);
  target.watched = access == Access::Read ? watches_reads : access == Access::Write && watches_any;
  target.has_code = access == Access::Write &&
                    (page_flags.load(std::memory_order_relaxed) & RamBlock::kHasCode) != 0;
  return target;
}

std::vector<u64> SoftMmu::pages_of_users() const {
  std::vector<u64> pages;
  for (unsigned slot = 0; slot < kTlbEntries; ++slot)
    // What may be written to or executed may be read.
    if (const u64 page = jit_.tlb[kMmuUser][slot].read_tag; tlb_index(page) == slot)
      pages.push_back(page);
  return pages;
}

const u8* SoftMmu::fill_code_pointer(u64 linear, MmuIndex index) {
  return resolve(linear, Access::Execute, index).host;
}

SoftMmu::RamPlace SoftMmu::place_of(const u8* host) {
  if (last_range_ == nullptr || host < last_range_->host ||
      host >= last_range_->host + last_range_->size || !last_range_->is_ram()) {
    const FlatRange* found = nullptr;
    for (const FlatRange& r : view_->ranges())
      if (r.is_ram() && host >= r.host && host < r.host + r.size) found = &r;
    if (found == nullptr) return {};
    last_range_ = found;
  }
  return {std::shared_ptr<RamBlock>(view_, last_range_->block),
          (last_range_->block_offset + static_cast<u64>(host - last_range_->host)) & kPageMask};
}

void SoftMmu::protect_code_page(const u8* host_page) {
  const u64 page = reinterpret_cast<u64>(host_page);
  for (auto& table : jit_.tlb)
    for (unsigned slot = 0; slot < kTlbEntries; ++slot)
      if (table[slot].host == page)
        __atomic_store_n(&table[slot].write_tag, unusable_tag(slot), __ATOMIC_RELAXED);
  // Bytes are read after this, and written before the tag is looked at again.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void SoftMmu::raise(u64 linear, const Target& target) const {
  if (!target.canonical) x86::raise_fault(x86::kGP, 0);
  throw x86::GuestException{x86::kPFVector, true, target.fault, linear};
}

template <class Piece>
void SoftMmu::by_page(u64 linear, unsigned size, Piece piece) {
  unsigned done = 0;
  while (done < size) {
    const u64 at = linear + done;
    const unsigned in_page = static_cast<unsigned>(kPageSize - (at & ~kPageMask));
    const unsigned part = std::min(size - done, in_page);
    piece(at, done, part);
    done += part;
  }
}

void SoftMmu::read(u64 linear, void* data, unsigned size, Privilege privilege) {
  const MmuIndex index = index_of(privilege);
  u8* out = static_cast<u8*>(data);
  by_page(linear, size, [&](u64 at, unsigned done, unsigned part) {
    const Target t = resolve(at, Access::Read, index);
    if (t.faulted) raise(at, t);
    if (t.host != nullptr)
      std::memcpy(out + done, t.host, part);
    else if (memory_.read(t.physical, out + done, part) != MemResult::Ok)
      std::memset(out + done, 0xff, part);
  });
  note_access(linear, size, true, false);
}

void SoftMmu::write(u64 linear, const void* data, unsigned size, Privilege privilege) {
  const MmuIndex index = index_of(privilege);
  const u8* in = static_cast<const u8*>(data);
  // A fault on the second page must come before the first is changed.
  if ((linear & ~kPageMask) + size > kPageSize)
    by_page(linear, size, [&](u64 at, unsigned, unsigned) {
      const Target t = resolve(at, Access::Write, index);
      if (t.faulted) raise(at, t);
    });
  by_page(linear, size, [&](u64 at, unsigned done, unsigned part) {
    const Target t = resolve(at, Access::Write, index);
    if (t.faulted) raise(at, t);
    if (t.host == nullptr) {
      memory_.write(t.physical, in + done, part);
      return;
    }
    std::memcpy(t.host, in + done, part);
    report_write(at, t.host, part, index);
  });
  note_access(linear, size, false, true);
}

unsigned SoftMmu::fetch(u64 linear, u8* data, unsigned size, Privilege privilege) {
  const MmuIndex index = privilege == Privilege::User ? kMmuUser : kMmuKernel;
  unsigned got = 0;
  by_page(linear, size, [&](u64 at, unsigned done, unsigned part) {
    if (got != done) return;
    const Target t = resolve(at, Access::Execute, index);
    if (t.faulted) {
      if (done == 0) raise(at, t);
      return;
    }
    if (t.host != nullptr)
      std::memcpy(data + done, t.host, part);
    else
      memory_.read(t.physical, data + done, part);
    got = done + part;
  });
  return got;
}

void* SoftMmu::atomic_pointer(u64 linear, unsigned size, Privilege privilege) {
  if ((linear & ~kPageMask) + size > kPageSize) return nullptr;
  const MmuIndex index = index_of(privilege);
  const Target t = resolve(linear, Access::Write, index);
  if (t.faulted) raise(linear, t);
  report_writes();
  if (t.host == nullptr) return nullptr;
  unreported_ = {linear, t.host, size, index};
  note_access(linear, size, true, true);
  return t.host;
}

void SoftMmu::check_write(u64 linear, Privilege privilege) {
  const Target t = resolve(linear, Access::Write, index_of(privilege));
  if (t.faulted) raise(linear, t);
}

void SoftMmu::watch(const std::vector<Watchpoint>& watched) {
  if (watched == watched_) return;
  watched_ = watched;
  hit_.reset();
  fills_slowly_ = traced_ || watching();
  flush(true);
}

bool SoftMmu::watches_page(u64 page, bool reads_only) const {
  return std::ranges::any_of(watched_, [&](const Watchpoint& w) {
    return (w.reads || !reads_only) && w.address <= page + (kPageSize - 1) &&
           page <= w.address + (w.size - 1);
  });
}

void SoftMmu::note_watched(u64 linear, unsigned size, bool reads, bool writes) {
  if (hit_) return;
  for (const Watchpoint& w : watched_) {
    if (!((w.reads && reads) || (w.writes && writes)) || w.address > linear + (size - 1) ||
        linear > w.address + (w.size - 1))
      continue;
    hit_ = DebugStop{DebugStop::Reason::Data, std::max(linear, w.address), w};
    jit_.exit_request.store(1, std::memory_order_relaxed);
    return;
  }
}

// Bytes are written first and reported then: code that another vCPU makes of them in between is of
// the old bytes or of the new ones, but is forgotten in any case.
void SoftMmu::report_write(u64 linear, const u8* host, unsigned size, MmuIndex index) {
  // Who makes a page one with code takes the tag away before reading the bytes.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const TlbEntry& e = jit_.tlb[index][tlb_index(linear)];
  if (__atomic_load_n(&e.write_tag, __ATOMIC_RELAXED) != (linear & kPageMask))
    code_.invalidate_locked(host, size);
}

void SoftMmu::report_writes() {
  if (unreported_.host == nullptr) return;
  const Write write = std::exchange(unreported_, {});
  report_write(write.linear, write.host, write.size, write.index);
}

}  // namespace backplane::tcg
