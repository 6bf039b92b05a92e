// SPDX-License-Identifier: MIT
// One address space in its stub: which of its pages are mapped there, and why.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "backplane/x86/mmu.h"
#include "frame.h"
#include "guest_tables.h"
#include "mappings.h"
#include "native/tier.h"
#include "scanner.h"
#include "stub_process.h"

namespace backplane::native {

using tcg::Invalidations;
using x86::X86Cpu;
using Counters = tcg::NativeVcpu::Counters;

// What the spaces of a vCPU have in common.
struct GuestMemory {
  GuestMemory(X86Cpu& cpu, AddressSpace& memory, RamBlock& ram,
              std::function<void(const u8*)> forget_code)
      : cpu(cpu),
        memory(memory),
        ram(ram),
        forget_code(std::move(forget_code)),
        tables(memory, ram),
        mapped_for_writing(ram.size() / kPageSize),
        executed(ram.size() / kPageSize) {}

  // Whether the translator has code of that page of the RAM.
  bool has_code(u64 offset) const {
    return (ram.page_flags(offset).load(std::memory_order_seq_cst) & RamBlock::kHasCode) != 0;
  }
  // Whether a page of that address space has code that has to be translated.
  bool is_banned(u64 cr3, u64 linear, const GuestPage& page, Rdtsc rdtsc);

  X86Cpu& cpu;
  AddressSpace& memory;
  RamBlock& ram;
  const std::function<void(const u8*)> forget_code;
  GuestTables tables;
  // Pages of the RAM that some space has, or had, mapped for writing.
  std::vector<bool> mapped_for_writing;
  // Pages that some space may execute, until they are written to.
  std::vector<std::atomic<u8>> executed;
  Counters counters;

 private:
  CodeWindow window_;
  ScannedPages scanned_;
};

// A fault of the task that runs the guest.
struct Fault {
  u64 linear = 0;
  x86::Access access = x86::Access::Read;
};

class Space {
 public:
  // Starts the stub of the address space that the CPU is in. Throws Error.
  Space(GuestMemory& guest, Rdtsc rdtsc);

  u64 cr3() const { return cr3_; }
  Rdtsc rdtsc() const { return rdtsc_; }
  // A page was left that is to be translated for its RDTSC alone. Whether that happens so often,
  // that the space had better have one that traps.
  bool note_rdtsc_page() { return ++rdtsc_pages_ >= kMostRdtscPages; }
  void note_tick() { rdtsc_pages_ = 0; }
  StubProcess& stub() { return stub_; }
  const SignalFrame& frame() const { return frame_; }
  u64 pages() const { return mappings_.pages(); }

  // Notes what is to be forgotten before guest code runs again.
  void note(const Invalidations& invalidations);
  void distrust() { distrusted_ = true; }
  // And what may be executed is looked at again, whatever the tables say.
  void distrust_code() { distrusted_ = code_distrusted_ = true; }
  // Whether the guest has mapped something in the part of its addresses that the stub lies in.
  bool is_in_the_way() const;
  // Whether most of the code that is mapped is somewhere else now: it is another program's. (Of its
  // data a program may have freed as much.)
  bool was_replaced();
  // Makes the mappings what the page tables allow, and maps what the last fault wanted, if the
  // guest's kernel has seen to that. The CPU is in the space. False: the stub is lost.
  bool settle();
  enum class Served {
    Mapped,       // the page, and present neighbours
    Guests,       // the page tables do not allow the access
    Translated,   // they do, and the translator is to have looked at the page before
    NotMappable,  // they do, and it cannot be made natively
  };
  Served serve(const Fault& fault);
  // To be mapped when settle() is called next, as far as the page tables allow that.
  void want(std::vector<u64> pages) { wanted_ = std::move(pages); }
  // Whether the mapper had something to do since this was last asked.
  bool take_gave_orders() { return std::exchange(gave_orders_, false); }

  // The first page that is mapped otherwise than the page tables say; empty if none is.
  std::string find_difference();

 private:
  GuestPage look(u64 linear) { return guest_.tables.look(cr3_, linear); }
  // Whether such a page can be in the stub, whatever the tables say of it.
  bool may_be_mapped(u64 linear) const;
  bool has_code(u64 offset) const { return guest_.has_code(offset); }
  // Whether what is mapped is no more than the tables give now.
  bool is_allowed(const Mapping& mapping, const GuestPage& page) const;
  u8 rights_of(u64 linear, const GuestPage& page, x86::Access access);
  void set(u64 linear, const GuestPage& page, u8 rights);
  void map_around(u64 linear);
  void map_if_used(u64 linear);
  bool give_orders();

  static constexpr unsigned kMostRdtscPages = 4;  // in one tick of the guest's timer

  GuestMemory& guest_;
  const u64 cr3_;
  const Rdtsc rdtsc_;
  unsigned rdtsc_pages_ = 0;  // since the last tick
  StubProcess stub_;
  SignalFrame frame_;
  Mappings mappings_;
  std::vector<u64> doubtful_;  // pages to look at again
  std::vector<u64> wanted_;    // pages to map
  bool distrusted_ = false;    // all of them
  bool code_distrusted_ = false;
  std::unordered_set<u64> large_;  // regions of 2 MiB where entries are of large pages
  bool has_giant_ = false;         // a page of 1 GiB
  Fault missed_;                   // the guest's, that its kernel is to serve; linear 0: none
  bool gave_orders_ = false;
};

}  // namespace backplane::native
