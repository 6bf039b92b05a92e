// SPDX-License-Identifier: MIT
// CR0, CR2, CR3, CR4, CR8, XCR0, and what invalidates translations.
// [SDM 3A "Control Registers", 2B "MOV-Move to/from Control Registers"]
#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "descriptor.h"

namespace backplane::x86 {

namespace {

constexpr u64 kCr0Known = kCr0PE | kCr0MP | kCr0EM | kCr0TS | kCr0ET | kCr0NE | kCr0WP | kCr0AM |
                          kCr0NW | kCr0CD | kCr0PG;
constexpr u64 kCr3KeepPcid = u64{1} << 63;

void require_cpl0(const X86State& s) {
  if (s.cpl() != 0) raise_fault(kGP, 0);
}

void flush(Context c, bool globals) {
  if (c.cpu.observer() != nullptr) c.cpu.observer()->flush_tlb(globals);
}

u64 reserved_physical_bits(const X86State& s) { return ~((u64{1} << s.physical_address_bits) - 1); }

// The four entries that CR3 points to. #GP(0) if a present one has reserved bits set.
// [SDM 3A "PDPTE Registers"]
void load_pdptes(Context c, u64 cr3) {
  X86State& s = c.state();
  u64 entries[4];
  c.cpu.machine().memory().read(cr3 & 0xffffffe0, entries, sizeof entries);
  constexpr u64 kPresent = 1, kReserved = 0x1e6;
  for (const u64 entry : entries)
    if ((entry & kPresent) != 0 && (entry & (kReserved | reserved_physical_bits(s))) != 0)
      raise_fault(kGP, 0);
  for (unsigned i = 0; i < 4; ++i) s.pdpte[i] = entries[i];
}

bool pae_paging(u64 cr0, u64 cr4, u64 efer) {
  return (cr0 & kCr0PG) != 0 && (cr4 & kCr4PAE) != 0 && (efer & kEferLMA) == 0;
}

void write_cr0(Context c, u64 value) {
  X86State& s = c.state();
  if (value >> 32 != 0) raise_fault(kGP, 0);
  value = (value & kCr0Known) | kCr0ET;
  const bool paging = (value & kCr0PG) != 0, was_paging = (s.cr0 & kCr0PG) != 0;
  if (paging && (value & kCr0PE) == 0) raise_fault(kGP, 0);
  if ((value & kCr0NW) != 0 && (value & kCr0CD) == 0) raise_fault(kGP, 0);
  u64 efer = s.efer;
  if (paging && !was_paging) {
    if ((s.efer & kEferLME) != 0) {
      if ((s.cr4 & kCr4PAE) == 0 || s.seg[CS].long_mode()) raise_fault(kGP, 0);
      efer |= kEferLMA;
    }
    if (pae_paging(value, s.cr4, efer)) load_pdptes(c, s.cr3);
  }
  if (!paging && was_paging) {
    if (s.code64() || (s.cr4 & kCr4PCIDE) != 0) raise_fault(kGP, 0);
    efer &= ~kEferLMA;
  }
  const u64 changed = s.cr0 ^ value;
  s.cr0 = value;
  s.efer = efer;
  // Without paging, before and after, nothing is translated.
  if ((changed & (kCr0PG | kCr0WP)) != 0 && (paging || was_paging)) flush(c, true);
}

void write_cr3(Context c, u64 value) {
  X86State& s = c.state();
  const bool pcids = (s.cr4 & kCr4PCIDE) != 0;
  const bool keep = pcids && (value & kCr3KeepPcid) != 0;
  if (pcids) value &= ~kCr3KeepPcid;
  if (s.long_mode_active()) {
    if ((value & reserved_physical_bits(s)) != 0) raise_fault(kGP, 0);
  } else {
    value &= 0xffffffff;
    if (pae_paging(s.cr0, s.cr4, s.efer)) load_pdptes(c, value);
  }
  const u64 old = s.cr3;
  s.cr3 = value;
  CpuObserver* observer = c.cpu.observer();
  if (observer == nullptr) return;
  if (pcids)
    observer->address_space_switched(old, value, keep);
  else
    observer->flush_tlb(false);
}

u64 cr4_offered(const X86Cpu::Features& f) {
  u64 bits = kCr4TSD | kCr4DE | kCr4PSE | kCr4PAE | kCr4MCE | kCr4PGE | kCr4PCE | kCr4OSFXSR |
             kCr4OSXMMEXCPT;
  if (f.umip) bits |= kCr4UMIP;
  if (f.fsgsbase) bits |= kCr4FSGSBASE;
  if (f.pcid) bits |= kCr4PCIDE;
  if (f.xsave) bits |= kCr4OSXSAVE;
  if (f.smep) bits |= kCr4SMEP;
  if (f.smap) bits |= kCr4SMAP;
  if (f.la57) bits |= kCr4LA57;
  return bits;
}

void write_cr4(Context c, u64 value) {
  X86State& s = c.state();
  if ((value & ~cr4_offered(c.cpu.features())) != 0) raise_fault(kGP, 0);
  const u64 changed = s.cr4 ^ value;
  if (s.long_mode_active() && ((value & kCr4PAE) == 0 || (changed & kCr4LA57) != 0))
    raise_fault(kGP, 0);
  if ((changed & value & kCr4PCIDE) != 0 && (!s.long_mode_active() || (s.cr3 & 0xfff) != 0))
    raise_fault(kGP, 0);
  constexpr u64 kPagingModes = kCr4PSE | kCr4PAE | kCr4PGE | kCr4SMEP;
  if ((changed & kPagingModes) != 0 && pae_paging(s.cr0, value, s.efer)) load_pdptes(c, s.cr3);
  s.cr4 = value;
  if ((changed & (kPagingModes | kCr4PCIDE | kCr4SMAP)) != 0) flush(c, true);
}

}  // namespace

u64 read_cr(Context c, unsigned number) {
  const X86State& s = c.state();
  require_cpl0(s);
  switch (number) {
    case 0:
      return s.cr0;
    case 2:
      return s.cr2;
    case 3:
      return s.cr3;
    case 4:
      return s.cr4;
    case 8: {
      const MachineLock::Guard guard;
      return c.cpu.apic().task_priority_class();
    }
    default:
      raise_fault(kUD);
  }
}

void write_cr(Context c, unsigned number, u64 value) {
  X86State& s = c.state();
  require_cpl0(s);
  switch (number) {
    case 0:
      return write_cr0(c, value);
    case 2:
      s.cr2 = value;
      return;
    case 3:
      return write_cr3(c, value);
    case 4:
      return write_cr4(c, value);
    case 8: {
      if (value > 15) raise_fault(kGP, 0);
      const MachineLock::Guard guard;
      return c.cpu.apic().set_task_priority_class(static_cast<u8>(value));
    }
    default:
      raise_fault(kUD);
  }
}

// [SDM 1 "XSAVE-Supported Features and State-Component Bitmaps"]
void write_xcr0(Context c, u64 value) {
  X86State& s = c.state();
  constexpr u64 kX87 = 1, kSse = 2, kAvx = 4;
  require_cpl0(s);
  const u64 offered = kX87 | kSse | (c.cpu.features().avx ? kAvx : 0);
  if ((value & kX87) == 0 || (value & ~offered) != 0) raise_fault(kGP, 0);
  if ((value & kAvx) != 0 && (value & kSse) == 0) raise_fault(kGP, 0);
  s.xcr0 = value;
}

void invlpg(Context c, u64 linear) {
  require_cpl0(c.state());
  if (c.cpu.observer() != nullptr) c.cpu.observer()->invalidate_page(linear);
}

// [SDM 2A "INVPCID-Invalidate Process-Context Identifier"]
void invpcid(Context c, u64 type, u64 pcid, u64 linear) {
  enum Type : u64 { kAddress = 0, kContext = 1, kAllAndGlobals = 2, kAll = 3 };
  const X86State& s = c.state();
  require_cpl0(s);
  if (type > kAll || pcid > 0xfff) raise_fault(kGP, 0);
  if (type <= kContext && pcid != 0 && (s.cr4 & kCr4PCIDE) == 0) raise_fault(kGP, 0);
  if (type == kAddress && !is_canonical(linear)) raise_fault(kGP, 0);
  CpuObserver* observer = c.cpu.observer();
  if (observer == nullptr) return;
  switch (type) {
    case kAddress:
      return observer->invalidate_page_of(pcid, linear);
    case kContext:
      return observer->invalidate_address_space(pcid);
    default:
      return observer->flush_tlb(type == kAllAndGlobals);
  }
}

}  // namespace backplane::x86
