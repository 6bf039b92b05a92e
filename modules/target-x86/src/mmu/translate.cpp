// SPDX-License-Identifier: MIT
// The page walk. [SDM 3A "Paging"]
#include "backplane/x86/mmu.h"
#include "table_memory.h"

namespace backplane::x86 {

namespace {

constexpr u64 kPresent = 1u << 0, kWritable = 1u << 1, kUser = 1u << 2, kAccessed = 1u << 5,
              kDirty = 1u << 6, kLarge = 1u << 7, kGlobal = 1u << 8, kNoExecute = u64{1} << 63;
constexpr u64 kAddressMask = 0x000f'ffff'ffff'f000;

// One entry on the way, to set its accessed (and dirty) bit once the access is known to be fine.
template <class T>
struct Used {
  T* pointer;
  T value;
  u64 physical;
  bool writable;
};

// What the levels of a walk have in common: rights are the conjunction over all of them.
struct Rights {
  bool writable = true;
  bool user = true;
  bool executable = true;

  void combine(u64 entry) {
    writable = writable && (entry & kWritable) != 0;
    user = user && (entry & kUser) != 0;
    executable = executable && (entry & kNoExecute) == 0;
  }
};

bool permits(const X86State& s, const Rights& r, Access access, Privilege privilege) {
  if (privilege == Privilege::User) {
    if (!r.user) return false;
    return access == Access::Read || (access == Access::Write ? r.writable : r.executable);
  }
  if (access == Access::Execute) return r.executable && !(r.user && (s.cr4 & kCr4SMEP) != 0);
  if (r.user && (s.cr4 & kCr4SMAP) != 0 &&
      (privilege == Privilege::ImplicitSupervisor || (s.rflags & kAC) == 0))
    return false;
  return access == Access::Read || r.writable || (s.cr0 & kCr0WP) == 0;
}

u32 fault_code(const X86State& s, Access access, Privilege privilege, u32 cause) {
  u32 code = cause;
  if (access == Access::Write) code |= kPfWrite;
  if (privilege == Privilege::User) code |= kPfUser;
  const bool tells_fetches =
      (s.cr4 & kCr4SMEP) != 0 || ((s.cr4 & kCr4PAE) != 0 && (s.efer & kEferNXE) != 0);
  if (access == Access::Execute && tells_fetches) code |= kPfFetch;
  return code;
}

Translation fault(u32 code) {
  Translation t;
  t.error_code = code;
  return t;
}

Translation unpaged(u64 physical) {
  Translation t;
  t.ok = t.readable = t.writable = t.executable = t.user = true;
  t.physical = physical;
  return t;
}

enum class Purpose { Access, Probe };

// Ends a walk: rights, accessed and dirty bits. `restart` is set if another CPU changed an entry.
template <Purpose kPurpose, class T>
Translation finish(const X86State& s, TableMemory& tables, Used<T>* used, unsigned count,
                   const Rights& rights, u64 physical, u64 page_size, Access access,
                   Privilege privilege, bool& restart) {
  Translation t;
  Used<T>& leaf = used[count - 1];
  t.physical = physical;
  t.page_size = page_size;
  t.user = rights.user;
  t.global = (leaf.value & kGlobal) != 0 && (s.cr4 & kCr4PGE) != 0;
  if constexpr (kPurpose == Purpose::Probe) {
    t.ok = t.readable = true;
    t.writable = rights.writable;
    t.executable = rights.executable;
    return t;
  }
  if (!permits(s, rights, access, privilege))
    return fault(fault_code(s, access, privilege, kPfPresent));

  for (unsigned i = 0; i < count; ++i) {
    Used<T>& u = used[i];
    T wanted = u.value | static_cast<T>(kAccessed);
    if (i == count - 1 && access == Access::Write) wanted |= static_cast<T>(kDirty);
    if (wanted == u.value || !u.writable) continue;
    bool writable = false;
    tables.entry<T>(u.physical, writable);
    tables.about_to_write(u.physical, sizeof(T));
    T expected = u.value;
    if (!__atomic_compare_exchange_n(u.pointer, &expected, wanted, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
      restart = true;
      return t;
    }
    u.value = wanted;
  }
  t.ok = true;
  t.readable = permits(s, rights, Access::Read, privilege);
  t.executable = permits(s, rights, Access::Execute, privilege);
  t.writable = (leaf.value & kDirty) != 0 && permits(s, rights, Access::Write, privilege);
  return t;
}

// PAE, 4-level and 5-level paging: 64-bit entries, nine bits of the address a level.
template <Purpose kPurpose>
Translation walk_wide(const X86State& s, AddressSpace& memory, u64 linear, Access access,
                      Privilege privilege, bool& restart) {
  TableMemory tables(memory);
  Used<u64> used[5];
  unsigned count = 0;
  Rights rights;
  const bool long_mode = (s.efer & kEferLMA) != 0;
  const u64 beyond_physical = kAddressMask & ~((u64{1} << s.physical_address_bits) - 1);
  const u64 reserved = beyond_physical | ((s.efer & kEferNXE) == 0 ? kNoExecute : 0);
  const auto reserved_fault = [&] {
    return fault(fault_code(s, access, privilege, kPfPresent | kPfReserved));
  };

  int level = 2;  // of the table to look into: 0 is the page table
  u64 table = s.cr3;
  if (long_mode) {
    level = (s.cr4 & kCr4LA57) != 0 ? 4 : 3;
  } else {
    linear &= 0xffffffff;
    const u64 pdpte = s.pdpte[linear >> 30];
    if ((pdpte & kPresent) == 0) return fault(fault_code(s, access, privilege, 0));
    table = pdpte;
    level = 1;
  }

  for (;; --level) {
    const unsigned shift = 12 + 9 * static_cast<unsigned>(level);
    const u64 physical = (table & kAddressMask) + ((linear >> shift) & 0x1ff) * 8;
    Used<u64>& u = used[count++];
    u.physical = physical;
    u.pointer = tables.entry<u64>(physical, u.writable);
    u.value = u.pointer == nullptr ? 0 : __atomic_load_n(u.pointer, __ATOMIC_RELAXED);
    if ((u.value & kPresent) == 0) return fault(fault_code(s, access, privilege, 0));
    if ((u.value & reserved) != 0) return reserved_fault();
    rights.combine(u.value);

    const bool large = level > 0 && (u.value & kLarge) != 0;
    if (large && (level > 2 || (level == 2 && s.has_gbpages == 0))) return reserved_fault();
    if (level > 0 && !large) {
      table = u.value;
      continue;
    }
    const u64 page_size = u64{1} << shift;
    // Between the PAT bit (12) and the address of a large page.
    if (large && (u.value & (page_size - 1) & ~u64{0x1fff}) != 0) return reserved_fault();
    const u64 address = (u.value & kAddressMask & ~(page_size - 1)) | (linear & (page_size - 1));
    return finish<kPurpose>(s, tables, used, count, rights, address, page_size, access, privilege,
                            restart);
  }
}

// 32-bit paging, with PSE-36.
template <Purpose kPurpose>
Translation walk_narrow(const X86State& s, AddressSpace& memory, u64 linear, Access access,
                        Privilege privilege, bool& restart) {
  TableMemory tables(memory);
  Used<u32> used[2];
  Rights rights;
  const u32 address = static_cast<u32>(linear);
  u64 physical = (s.cr3 & 0xfffff000) + (address >> 22) * 4;
  for (unsigned level = 1;; --level) {
    Used<u32>& u = used[1 - level];
    u.physical = physical;
    u.pointer = tables.entry<u32>(physical, u.writable);
    u.value = u.pointer == nullptr ? 0 : __atomic_load_n(u.pointer, __ATOMIC_RELAXED);
    if ((u.value & kPresent) == 0) return fault(fault_code(s, access, privilege, 0));
    rights.combine(u.value);
    if (level == 1 && (u.value & kLarge) != 0 && (s.cr4 & kCr4PSE) != 0) {
      // Bits 20:13 are bits 39:32 of the page's address; 21 is reserved.
      if ((u.value & (1u << 21)) != 0)
        return fault(fault_code(s, access, privilege, kPfPresent | kPfReserved));
      const u64 page = (u64{(u.value >> 13) & 0xff} << 32) | (u.value & 0xffc00000);
      return finish<kPurpose>(s, tables, used, 1, rights, page | (address & 0x3fffff), 4u << 20,
                              access, privilege, restart);
    }
    if (level == 0)
      return finish<kPurpose>(s, tables, used, 2, rights,
                              (u.value & 0xfffff000) | (address & 0xfff), 4096, access, privilege,
                              restart);
    physical = (u.value & 0xfffff000) + ((address >> 12) & 0x3ff) * 4;
  }
}

template <Purpose kPurpose>
Translation walk(const X86State& s, AddressSpace& memory, u64 linear, Access access,
                 Privilege privilege) {
  if ((s.cr0 & kCr0PG) == 0) return unpaged(linear & 0xffffffff);
  for (;;) {
    bool restart = false;
    const Translation t =
        (s.cr4 & kCr4PAE) != 0
            ? walk_wide<kPurpose>(s, memory, linear, access, privilege, restart)
            : walk_narrow<kPurpose>(s, memory, linear, access, privilege, restart);
    if (!restart) return t;
  }
}

}  // namespace

Translation translate(const X86State& state, AddressSpace& memory, u64 linear, Access access,
                      Privilege privilege) {
  return walk<Purpose::Access>(state, memory, linear, access, privilege);
}

Translation probe(const X86State& state, AddressSpace& memory, u64 linear) {
  return walk<Purpose::Probe>(state, memory, linear, Access::Read, Privilege::Supervisor);
}

}  // namespace backplane::x86
