// SPDX-License-Identifier: MIT
// Address translation: the page walk, and linear memory as instructions see it.
#pragma once

#include "backplane/memory.h"
#include "backplane/x86/state.h"
#include "backplane/x86/version.h"

namespace backplane::x86 {

enum class Access : u8 { Read, Write, Execute };

// The rights under which an access is made: explicit user-mode, supervisor, or implicit
// supervisor (descriptor tables, TSS: exempt from the SMAP's AC test, always checked).
enum class Privilege : u8 { User, Supervisor, ImplicitSupervisor };

// Page-fault error code bits. [SDM 3A "Page-Fault Exceptions"]
constexpr u32 kPfPresent = 1, kPfWrite = 2, kPfUser = 4, kPfReserved = 8, kPfFetch = 16;

struct Translation {
  bool ok = false;
  u32 error_code = 0;    // of the page fault, if !ok
  u64 physical = 0;      // of the address asked for
  u64 page_size = 4096;  // of the mapping: 4 KiB, 2 MiB, 4 MiB or 1 GiB
  // What else this mapping permits to the same privilege, so that a TLB can keep it. `writable`
  // is false while the dirty bit is clear, so that the first write walks again.
  bool readable = false, writable = false, executable = false;
  bool user = false;    // U/S set at every level
  bool global = false;  // G set and CR4.PGE set
};

// Walks the page tables as the state selects (no paging, 32-bit, PAE, 4-level, 5-level), checks
// rights (WP, SMEP, SMAP with RFLAGS.AC, NX), sets accessed and dirty bits atomically. Table
// entries outside RAM read as not present. Never throws. Any mode. CPU thread.
Translation translate(const X86State& state, AddressSpace& memory, u64 linear, Access access,
                      Privilege privilege);

// Looks without changing accessed and dirty bits and without rights: for debuggers and logs.
Translation probe(const X86State& state, AddressSpace& memory, u64 linear);

// Linear memory as the interpreter and the system functions use it. Accesses may cross pages;
// they throw GuestException (#PF) before anything was changed. No alignment checks here.
class LinearMemory {
 public:
  virtual ~LinearMemory() = default;
  virtual void read(u64 linear, void* data, unsigned size, Privilege privilege) = 0;
  virtual void write(u64 linear, const void* data, unsigned size, Privilege privilege) = 0;
  // Reads 1 to `size` bytes of code; returns how many could be read (stops at a page that cannot
  // be fetched). Throws only if not even one can.
  virtual unsigned fetch(u64 linear, u8* data, unsigned size, Privilege privilege) = 0;
  // A direct pointer to [linear, linear+size) for reading and writing in place, so that a locked
  // operation is atomic; null if it is not plain RAM within a page. Throws #PF if not writable.
  virtual void* atomic_pointer(u64 linear, unsigned size, Privilege privilege) = 0;

  // Throws #PF if the byte is not writable; it is not accessed.
  virtual void check_write(u64 linear, Privilege privilege) {
    atomic_pointer(linear, 1, privilege);
  }

  template <class T>
  T load(u64 linear, Privilege privilege) {
    T value;
    read(linear, &value, sizeof value, privilege);
    return value;
  }
  template <class T>
  void store(u64 linear, T value, Privilege privilege) {
    write(linear, &value, sizeof value, privilege);
  }
};

// A LinearMemory that walks the tables at each access: simple, for accelerators with no TLB of
// their own and for tests.
class WalkingMemory final : public LinearMemory {
 public:
  WalkingMemory(const X86State& state, AddressSpace& memory) : state_(state), memory_(memory) {}
  void read(u64 linear, void* data, unsigned size, Privilege privilege) override;
  void write(u64 linear, const void* data, unsigned size, Privilege privilege) override;
  unsigned fetch(u64 linear, u8* data, unsigned size, Privilege privilege) override;
  void* atomic_pointer(u64 linear, unsigned size, Privilege privilege) override;

 private:
  const X86State& state_;
  AddressSpace& memory_;
};

}  // namespace backplane::x86
