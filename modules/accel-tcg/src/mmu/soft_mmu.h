// SPDX-License-Identifier: MIT
// One vCPU's software TLB: filled from the page tables, read inline by translated code, and the
// linear memory that the interpreter and the system functions see.
//
// All members run on the vCPU's thread, but protect_code_page, which any thread may call.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "backplane/debug.h"
#include "backplane/x86/mmu.h"
#include "mmu/number_set.h"
#include "native/invalidations.h"
#include "runtime/jit_state.h"

namespace backplane::tcg {

class CodeCache;

using x86::Access;
using x86::Privilege;

// Which code a jump cache was filled with.
struct JumpKey {
  static constexpr u32 kNoMode = ~u32{0};
  u32 mode = kNoMode;  // of Mode; kNoMode: of any
  u64 code_base = 0;
  bool operator==(const JumpKey&) const = default;
};

class SoftMmu final : public x86::LinearMemory {
 public:
  SoftMmu(X86Cpu& cpu, AddressSpace& memory, CodeCache& code);

  // The TLB that the CPU's current privilege and RFLAGS.AC select.
  MmuIndex current_index() const {
    if (state_.cpl() == 3) return kMmuUser;
    return (state_.cr4 & x86::kCr4SMAP) != 0 && (state_.rflags & x86::kAC) != 0 ? kMmuKernelAc
                                                                                : kMmuKernel;
  }

  // What an access of `size` bytes within one page finds.
  struct Target {
    u8* host = nullptr;  // RAM, or null
    u64 physical = 0;    // valid if host is null: to be dispatched
    u32 fault = 0;       // page fault error code, if faulted
    bool faulted = false;
    bool canonical = true;
    bool has_code = false;  // a write: the page holds translated code
    bool watched = false;   // a debugger wants to see such accesses to some of the page
  };
  // Looks up and fills the TLB.
  Target resolve(u64 linear, Access access, MmuIndex index);

  // resolve() for the common cases: no paging, or 4-level paging with accessed and dirty bits set;
  // plain RAM. Null if it is another, or the walk is to be traced. Uses general registers only, so
  // that translated code need not save others. `fault`, if given, becomes the error code, with
  // kIsFault, if it is sure that the access raises a page fault.
  u8* resolve_fast(u64 linear, bool write, MmuIndex index, u32* fault = nullptr);
  static constexpr u32 kIsFault = u32{1} << 31;
  // Where a write would go that resolve_fast() has just refused, if that was because the page has
  // code and for nothing else; otherwise null.
  u8* code_place() const { return code_place_; }

  // Where data is, from the TLB or by resolve_fast().
  const u8* read_pointer_fast(u64 linear, MmuIndex index) {
    const TlbEntry& e = jit_.tlb[index][tlb_index(linear)];
    if (e.read_tag == (linear & kPageMask))
      return reinterpret_cast<const u8*>(e.host) + (linear & ~kPageMask);
    return resolve_fast(linear, false, index);
  }
  u8* write_pointer_fast(u64 linear, MmuIndex index) {
    const TlbEntry& e = jit_.tlb[index][tlb_index(linear)];
    if (e.write_tag == (linear & kPageMask))
      return reinterpret_cast<u8*>(e.host) + (linear & ~kPageMask);
    return resolve_fast(linear, true, index);
  }

  // Host address of guest code at `linear`, or null if it is not RAM or cannot be fetched.
  const u8* code_pointer(u64 linear, MmuIndex index) {
    const TlbEntry& e = jit_.tlb[index][tlb_index(linear)];
    if (e.exec_tag == (linear & kPageMask))
      return reinterpret_cast<const u8*>(e.host) + (linear & ~kPageMask);
    return fill_code_pointer(linear, index);
  }
  // The same without vector registers: null also if the walk is not the common case.
  const u8* code_pointer_fast(u64 linear, MmuIndex index) {
    const TlbEntry& e = jit_.tlb[index][tlb_index(linear)];
    if (e.exec_tag != (linear & kPageMask)) {
      resolve_fast(linear, false, index);
      if (e.exec_tag != (linear & kPageMask)) return nullptr;
    }
    return reinterpret_cast<const u8*>(e.host) + (linear & ~kPageMask);
  }
  // The RAM block behind a host page, for a page code_pointer gave. It stays while it is held, even
  // if it leaves the machine, as a removed device's ROM does.
  struct RamPlace {
    std::shared_ptr<RamBlock> block;
    u64 offset = 0;
  };
  RamPlace place_of(const u8* host);

  // Accesses to these bytes are to be seen from now on (take_watch_hit()): translated code reaches
  // none of their pages. All is flushed. Also while the vCPU is outside run(), on any thread.
  void watch(const std::vector<Watchpoint>& watched);
  bool watching() const { return !watched_.empty(); }
  // The first access that hit one since the last call; it asked translated code to be left.
  bool was_hit() const { return hit_.has_value(); }
  std::optional<DebugStop> take_watch_hit() { return std::exchange(hit_, std::nullopt); }

  // Forgets the code made of bytes that atomic_pointer() was asked for: they are written by now.
  void report_writes();

  // All of every address space, or all but global pages.
  void flush(bool globals);
  // INVLPG: a page of the current address space, or a global one.
  void flush_page(u64 linear);
  // CR3 has a new value under CR4.PCIDE. `keep`: what is known of that PCID is still true. Of it
  // are kept, for the last few, where its code's jumps lead; the TLB begins anew.
  void switch_space(u64 pcid, bool keep);
  // All, or a page, of what is not global in the address space of a PCID.
  void flush_space(u64 pcid);
  void flush_page_of(u64 pcid, u64 linear);
  // Writes to a host page go through the slow path from now on.
  void protect_code_page(const u8* host_page);
  // The code cache was flushed: jump caches lead nowhere.
  void forget_code();
  // Code of that TLB is not found by its address any more, as when its mode changed.
  void forget_jumps(MmuIndex index);
  // The same of the kernel's TLB, whose code comes back to modes that it was in, as firmware and
  // boot loaders do many times: what was known of most of them is true until it is forgotten.
  void switch_jumps(const JumpKey& from, const JumpKey& to);
  // Remembers that code of a page may be in jump caches under the current generations.
  void note_executed(u64 linear, MmuIndex index) {
    if (index == kMmuUser)
      spaces_[space_].executed.add(linear >> 12);
    else
      kernel_executed_.add(linear >> 12);
  }
  static constexpr u64 kPcidMask = 0xfff;
  // Of the TLB of ring 3.
  std::vector<u64> pages_of_users() const;
  // From now on `log`, which may be null, is told of what is to be forgotten.
  void tell_of_invalidations(Invalidations* log) { invalidations_ = log; }

  // LinearMemory.
  void read(u64 linear, void* data, unsigned size, Privilege privilege) override;
  void write(u64 linear, const void* data, unsigned size, Privilege privilege) override;
  unsigned fetch(u64 linear, u8* data, unsigned size, Privilege privilege) override;
  void* atomic_pointer(u64 linear, unsigned size, Privilege privilege) override;
  void check_write(u64 linear, Privilege privilege) override;

  struct Counters {
    u64 fills = 0, flushes = 0, global_flushes = 0, page_flushes = 0;
  };
  const Counters& counters() const { return counters_; }

  // Walks are traced: no fast path is taken.
  bool traced() const { return traced_; }

 private:
  // resolve() for what is not in the TLB.
  Target fill(u64 linear, Access access, MmuIndex index);
  // A page that the tables have, as far as a TLB entry tells.
  struct FoundPage {
    u64 physical;
    u64 size = kPageSize;  // of the page of the tables that it is in
    bool writable = true, executable = true, global = false;
  };
  u8* fill_fast(u64 linear, bool write, MmuIndex index, const FoundPage& found);
  const FlatRange* ram_range(u64 physical_page);
  // Whether a debugger watches for reads, or for anything, of a page.
  bool watches_page(u64 page, bool reads_only) const;
  void note_access(u64 linear, unsigned size, bool reads, bool writes) {
    if (watching()) [[unlikely]]
      note_watched(linear, size, reads, writes);
  }
  void note_watched(u64 linear, unsigned size, bool reads, bool writes);
  MmuIndex index_of(Privilege privilege) const;
  const u8* fill_code_pointer(u64 linear, MmuIndex index);
  const FlatRange* range_at(u64 physical);
  void clear(unsigned index);
  void note_fill(unsigned index, unsigned slot) {
    if (filled_[index] < kTrackedSlots) slots_[index][filled_[index]] = static_cast<u16>(slot);
    ++filled_[index];
  }
  static void set_unusable(TlbEntry& e, unsigned slot) {
    e.read_tag = e.write_tag = e.exec_tag = unusable_tag(slot);
  }
  // Whether a write to the page must be seen, since writes are logged and none was marked. What
  // makes it so, a log that begins or is read, happens while no vCPU runs, and before it does its
  // TLB is flushed: so an entry with a write tag is of a page that is marked, as long as it lasts.
  static bool logs_first_write(const RamBlock& block, const std::atomic<u8>& page_flags) {
    return block.logs_writes() &&
           (page_flags.load(std::memory_order_relaxed) & RamBlock::kWritten) == 0;
  }
  // After the tags of an entry were set: a page that was made one with code meanwhile is not to be
  // written to.
  static void check_for_code(TlbEntry& e, unsigned slot, const std::atomic<u8>& page_flags) {
    if (e.write_tag == unusable_tag(slot)) return;
    // Who makes it one sets the flag and then looks at the entry.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if ((page_flags.load(std::memory_order_relaxed) & RamBlock::kHasCode) != 0)
      e.write_tag = unusable_tag(slot);
  }
  // After bytes within a page were written: forgets the code made of them.
  void report_write(u64 linear, const u8* host, unsigned size, MmuIndex index);
  void flush_entries();
  void renew_jumps(MmuIndex index);
  void new_kernel_generation();
  void new_user_generation();
  void forget_other_spaces();
  [[noreturn]] void raise(u64 linear, const Target& target) const;
  template <class Piece>
  void by_page(u64 linear, unsigned size, Piece piece);

  X86Cpu& cpu_;
  X86State& state_;
  JitState& jit_;
  AddressSpace& memory_;
  CodeCache& code_;
  std::shared_ptr<const FlatView> view_;
  u64 view_generation_ = ~u64{0};
  const FlatRange* last_range_ = nullptr;

  // Kernel TLB slots filled from non-global pages, so that an address-space switch clears just
  // these; full when more were filled.
  static constexpr unsigned kNonGlobalSlots = 128;
  u16 non_global_[kNonGlobalSlots];
  unsigned non_global_count_ = 0;
  // Slots filled since a table was cleared, so that clearing touches just these; all if more.
  static constexpr unsigned kTrackedSlots = 1024;
  u16 slots_[kMmuCount][kTrackedSlots];
  unsigned filled_[kMmuCount];
  bool kernel_executed_non_global_ = false;
  u64 next_generation_ = 0;
  // What atomic_pointer() gave last.
  struct Write {
    u64 linear = 0;
    const u8* host = nullptr;
    unsigned size = 0;
    MmuIndex index = kMmuKernel;
  };
  Write unreported_;
  // Where devices are: their pages have no TLB entry, as nothing in them can be accessed directly,
  // but need no walk each time. Forgotten with any other translation.
  struct DevicePage {
    u64 page = kNoPage;  // linear
    u64 physical = 0;
    bool readable = false, writable = false;
  };
  static constexpr u64 kNoPage = ~u64{0};
  static constexpr unsigned kDevicePages = 8;
  DevicePage& device_page(u64 linear, MmuIndex index) {
    return device_pages_[index][(linear >> 12) % kDevicePages];
  }
  void forget_devices() {
    if (!knows_devices_) return;
    for (auto& table : device_pages_)
      for (DevicePage& device : table) device.page = kNoPage;
    knows_devices_ = false;
  }
  DevicePage device_pages_[kMmuCount][kDevicePages];
  bool knows_devices_ = false;
  // Pages executed from by the kernel since the generation of its code began.
  NumberSet<8192> kernel_executed_;
  // The address spaces whose jumps are known, and the current one.
  static constexpr u64 kNoSpace = ~u64{0};
  struct Space {
    u64 pcid = kNoSpace;
    u64 jump_generation = 0, site_generation = 0;  // of one that is not the current
    u64 last_left = 0;                             // the higher, the later
    NumberSet<2048> executed;
  };
  static constexpr unsigned kSpaces = 8;
  Space spaces_[kSpaces];
  unsigned space_ = 0;
  u64 switches_ = 0;
  static void forget_space(Space& space);
  // What is known of the kernel's code in other modes, each in the slot that its key gives. Each
  // load of a segment register may be to a mode of its own.
  struct OtherMode {
    JumpKey key;
    u64 jump_generation = 0, site_generation = 0;
  };
  static constexpr unsigned kOtherModeBits = 6;
  OtherMode other_modes_[1u << kOtherModeBits];
  OtherMode& other_mode(const JumpKey& key) {
    const u64 mixed = (key.mode ^ key.code_base << 20) * 0x9e3779b97f4a7c15;
    return other_modes_[mixed >> (64 - kOtherModeBits)];
  }
  void forget_other_modes() {
    for (OtherMode& mode : other_modes_) mode.key = {};
  }
  // Regions that large pages map, since the last flush of all.
  NumberSet<1024> large_;
  static constexpr u64 region_2m(u64 linear) { return linear >> 21; }
  static constexpr u64 region_1g(u64 linear) { return linear >> 30 | u64{1} << 47; }
  void note_large(u64 linear, u64 page_size) {
    large_.add(page_size >= 1_GiB ? region_1g(linear) : region_2m(linear));
    if (page_size == 4_MiB) large_.add(region_2m(linear ^ 2_MiB));
  }
  bool in_large_page(u64 linear) {
    return large_.has(region_2m(linear)) || large_.has(region_1g(linear));
  }
  Counters counters_;
  Invalidations* invalidations_ = nullptr;
  u8* code_place_ = nullptr;
  const bool traced_;
  // Walks are traced, or pages watched: no entry is filled but by fill().
  bool fills_slowly_;
  std::vector<Watchpoint> watched_;
  std::optional<DebugStop> hit_;
};

}  // namespace backplane::tcg
