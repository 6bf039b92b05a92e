// SPDX-License-Identifier: MIT
// Model-specific registers. An index that is not here is #GP(0). [SDM 4 "Architectural MSRs"]
#include <algorithm>

#include "../cpu/impl.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "descriptor.h"
#include "mtrr.h"

namespace backplane::x86 {

namespace {

enum Msr : u32 {
  kP5McAddress = 0x0,
  kP5McType = 0x1,
  kTimeStampCounter = 0x10,
  kPlatformId = 0x17,
  kApicBase = 0x1b,
  kFeatureControl = 0x3a,
  kTscAdjust = 0x3b,
  kBiosUpdateTrigger = 0x79,
  kBiosSignature = 0x8b,
  kArchCapabilities = 0x10a,
  kSysenterCs = 0x174,
  kSysenterEsp = 0x175,
  kSysenterEip = 0x176,
  kMcgCap = 0x179,
  kMcgStatus = 0x17a,
  kMiscEnable = 0x1a0,
  kDebugControl = 0x1d9,
  kPat = 0x277,
  kTscDeadline = 0x6e0,
  kX2apicFirst = 0x800,
  kX2apicLast = 0x8ff,
  kEfer = 0xc0000080,
  kStar = 0xc0000081,
  kLstar = 0xc0000082,
  kCstar = 0xc0000083,
  kSfmask = 0xc0000084,
  kFsBase = 0xc0000100,
  kGsBase = 0xc0000101,
  kKernelGsBase = 0xc0000102,
  kTscAux = 0xc0000103,
  kAmdNameFirst = 0xc0010030,
  kAmdNameLast = 0xc0010035,
};

// What this processor is not affected by: it does not speculate on the guest's behalf.
enum ArchCapability : u64 {
  kRdclNo = 1u << 0,
  kSkipL1dFlush = 1u << 3,
  kSsbNo = 1u << 4,
  kMdsNo = 1u << 5,
  kPschangeMcNo = 1u << 6,
  kTaaNo = 1u << 8,
  kSbdrSsdpNo = 1u << 13,
  kFbsdpNo = 1u << 14,
  kPsdpNo = 1u << 15,
  kBhiNo = 1u << 20,
  kPbrsbNo = 1u << 24,
  kGdsNo = 1u << 26,
  kRfdsNo = 1u << 27,
};
constexpr u64 kArchCapabilityBits = kRdclNo | kSkipL1dFlush | kSsbNo | kMdsNo | kPschangeMcNo |
                                    kTaaNo | kSbdrSsdpNo | kFbsdpNo | kPsdpNo | kBhiNo | kPbrsbNo |
                                    kGdsNo | kRfdsNo;

constexpr u64 kMcgCtlPresent = 1u << 8;
constexpr u64 kFeatureControlLocked = 1;
constexpr u64 kMicrocodeRevision = u64{1} << 32;
// Fast strings, thermal control, SpeedStep, limited CPUID, XD disable.
constexpr u64 kMiscEnableWritable =
    (1u << 0) | (1u << 3) | (1u << 16) | (1u << 22) | (u64{1} << 34);
constexpr u64 kEferWritable = kEferSCE | kEferLME | kEferNXE;

[[noreturn]] void refuse() { raise_fault(kGP, 0); }

void require(bool condition) {
  if (!condition) refuse();
}

bool valid_pat(u64 value) {
  for (unsigned i = 0; i < 8; ++i) {
    const u64 type = (value >> (8 * i)) & 0xff;
    if (type > 7 || type == 2 || type == 3) return false;
  }
  return true;
}

u64 offered_efer(const X86Cpu::Features& f) {
  return (f.syscall ? kEferSCE : 0) | (f.lm ? kEferLME : 0) | (f.nx ? kEferNXE : 0);
}

void write_efer(Context c, u64 value) {
  X86State& s = c.state();
  require((value & ~(offered_efer(c.cpu.features()) | kEferLMA)) == 0);
  const u64 changed = s.efer ^ value;
  require((changed & kEferLME) == 0 || (s.cr0 & kCr0PG) == 0);
  s.efer = (s.efer & kEferLMA) | (value & kEferWritable);
  if ((changed & kEferNXE) != 0 && c.cpu.observer() != nullptr) c.cpu.observer()->flush_tlb(true);
}

void shift_tsc(X86State& s, u64 by) {
  s.tsc_offset += static_cast<i64>(by);
  s.tsc_adjust += by;
}

bool has_feature(const X86Cpu& cpu, std::string_view name) {
  return X86Cpu::Impl::of(cpu).has(name);
}

void set_canonical(u64& target, u64 value) {
  require(is_canonical(value));
  target = value;
}

u64 read_apic_msr(Context c, u32 index) {
  const MachineLock::Guard guard;
  if (index == kApicBase) return c.cpu.apic().base();
  if (index == kTscDeadline) return c.cpu.apic().tsc_deadline();
  u64 value = 0;
  require(c.cpu.apic().read_msr(index - kX2apicFirst, value));
  return value;
}

void write_apic_msr(Context c, u32 index, u64 value) {
  const MachineLock::Guard guard;
  if (index == kTscDeadline) return c.cpu.apic().set_tsc_deadline(value);
  require(index == kApicBase ? c.cpu.apic().set_base(value)
                             : c.cpu.apic().write_msr(index - kX2apicFirst, value));
}

void require_cpl0(const X86State& s) { require(s.cpl() == 0); }

u64 mcg_cap(const X86Cpu::Impl& cpu) {
  return kMachineCheckBanks | (cpu.is_amd() ? kMcgCtlPresent : 0);
}

// Each leaf of the name is in two registers. [APM 2 "MSR Cross-Reference": CPUID name string]
u64 amd_name(const X86Cpu& cpu, u32 index) {
  const u32 number = index - kAmdNameFirst;
  const CpuidResult r = cpu.cpuid(0x80000002 + number / 2, 0);
  return number % 2 == 0 ? r.eax | u64{r.ebx} << 32 : r.ecx | u64{r.edx} << 32;
}

void log_refusal(Context c, const char* instruction, u32 index) {
  if (!log::enabled(LogCategory::GuestErrors)) return;
  X86Cpu::Impl::of(c.cpu).refused_msrs.of_kind(fmt::format("{:x}", index),
                                               "cpu {}: {} of {:#x} raises #GP", c.cpu.index(),
                                               instruction, index);
}

u64 read(Context c, u32 index) {
  X86State& s = c.state();
  switch (index) {
    case kP5McAddress:
    case kP5McType:
    case kPlatformId:
    case kMcgStatus:
    case kDebugControl:
      return 0;
    case kMcgCap:
      return mcg_cap(X86Cpu::Impl::of(c.cpu));
    case kTimeStampCounter:
      return c.cpu.tsc();
    case kFeatureControl:
      return kFeatureControlLocked;
    case kTscAdjust:
      require(has_feature(c.cpu, "tsc-adjust"));
      return s.tsc_adjust;
    case kBiosSignature:
      return kMicrocodeRevision;
    case kArchCapabilities:
      require(has_feature(c.cpu, "arch-capabilities"));
      return kArchCapabilityBits;
    case kSysenterCs:
      return s.sysenter_cs;
    case kSysenterEsp:
      return s.sysenter_esp;
    case kSysenterEip:
      return s.sysenter_eip;
    case kMiscEnable:
      return s.misc_enable;
    case kPat:
      return s.pat;
    case kMsrMtrrCap:
      return kMtrrCapValue;
    case kTscDeadline:
      require(c.cpu.features().tsc_deadline);
      return read_apic_msr(c, index);
    case kApicBase:
      return read_apic_msr(c, index);
    case kEfer:
      return s.efer;
    case kStar:
      return s.star;
    case kLstar:
      return s.lstar;
    case kCstar:
      return s.cstar;
    case kSfmask:
      return s.sfmask;
    case kFsBase:
      return s.seg[FS].base;
    case kGsBase:
      return s.seg[GS].base;
    case kKernelGsBase:
      return s.kernel_gs_base;
    case kTscAux:
      require(c.cpu.features().rdtscp || c.cpu.features().rdpid);
      return s.tsc_aux;
    default:
      break;
  }
  if (index >= kX2apicFirst && index <= kX2apicLast) return read_apic_msr(c, index);
  if (const u64* mtrr = mtrr_register(s, index)) return *mtrr;
  if (index >= kAmdNameFirst && index <= kAmdNameLast && X86Cpu::Impl::of(c.cpu).is_amd())
    return amd_name(c.cpu, index);
  const std::optional<u64> stored = X86Cpu::Impl::of(c.cpu).stored_msrs.read(index);
  require(stored.has_value());
  return *stored;
}

void write(Context c, u32 index, u64 value) {
  X86State& s = c.state();
  switch (index) {
    case kP5McAddress:
    case kP5McType:
    case kBiosUpdateTrigger:
    case kBiosSignature:
      return;  // accepted, without effect
    case kMcgStatus:
      require(value == 0);
      return;
    case kDebugControl:
      require((value & ~u64{0xffff}) == 0);
      return;
    case kTimeStampCounter:
      return shift_tsc(s, value - c.cpu.tsc());
    case kTscAdjust:
      require(has_feature(c.cpu, "tsc-adjust"));
      return shift_tsc(s, value - s.tsc_adjust);
    case kSysenterCs:
      s.sysenter_cs = value & 0xffffffff;
      return;
    case kSysenterEsp:
      return set_canonical(s.sysenter_esp, value);
    case kSysenterEip:
      return set_canonical(s.sysenter_eip, value);
    case kMiscEnable:
      s.misc_enable = (s.misc_enable & ~kMiscEnableWritable) | (value & kMiscEnableWritable);
      return;
    case kPat:
      require(valid_pat(value));
      s.pat = value;
      return;
    case kTscDeadline:
      require(c.cpu.features().tsc_deadline);
      return write_apic_msr(c, index, value);
    case kApicBase:
      return write_apic_msr(c, index, value);
    case kEfer:
      return write_efer(c, value);
    case kStar:
      s.star = value;
      return;
    case kLstar:
      return set_canonical(s.lstar, value);
    case kCstar:
      return set_canonical(s.cstar, value);
    case kSfmask:
      require(value >> 32 == 0);
      s.sfmask = value;
      return;
    case kFsBase:
      return set_canonical(s.seg[FS].base, value);
    case kGsBase:
      return set_canonical(s.seg[GS].base, value);
    case kKernelGsBase:
      return set_canonical(s.kernel_gs_base, value);
    case kTscAux:
      require((c.cpu.features().rdtscp || c.cpu.features().rdpid) && value >> 32 == 0);
      s.tsc_aux = value;
      return;
    default:
      break;
  }
  if (index >= kX2apicFirst && index <= kX2apicLast) return write_apic_msr(c, index, value);
  if (u64* mtrr = mtrr_register(s, index)) {
    require(valid_mtrr_value(s, index, value));
    *mtrr = value;
    return;
  }
  require(X86Cpu::Impl::of(c.cpu).stored_msrs.write(index, value));
}

}  // namespace

u64 read_msr(Context c, u32 index) {
  require_cpl0(c.state());
  try {
    return read(c, index);
  } catch (const GuestException&) {
    log_refusal(c, "RDMSR", index);
    throw;
  }
}

void write_msr(Context c, u32 index, u64 value) {
  require_cpl0(c.state());
  try {
    write(c, index, value);
  } catch (const GuestException&) {
    log_refusal(c, "WRMSR", index);
    throw;
  }
}

void swapgs(Context c) {
  X86State& s = c.state();
  if (!s.code64()) raise_fault(kUD);
  require_cpl0(s);
  std::swap(s.seg[GS].base, s.kernel_gs_base);
}

}  // namespace backplane::x86
