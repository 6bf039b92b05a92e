// SPDX-License-Identifier: MIT
#include "stored_msrs.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace backplane::x86 {

namespace {

enum class Vendor : u8 { Any, Intel, Amd };

constexpr u64 bit(unsigned n) { return u64{1} << n; }
constexpr u64 kAll = ~u64{0}, kNone = 0;

// Consecutive registers of one kind.
struct Row {
  Vendor vendor;
  u32 first;
  u32 count;
  u64 reset;
  u64 kept;     // bits that keep what is written
  u64 allowed;  // bits that may be written as 1: others raise #GP
};

using V = Vendor;

constexpr u32 kPerfStatus = 0x198;

// In the order of their indices.
constexpr Row kRows[] = {
    {V::Intel, 0x6, 1, 64, 0xffff, 0xffff},         // IA32_MONITOR_FILTER_SIZE
    {V::Intel, 0x2a, 1, 0, kNone, kAll},            // EBL_CR_POWERON
    {V::Intel, 0x34, 1, 0, kNone, kNone},           // SMI_COUNT
    {V::Intel, 0x40, 8, 0, kAll, kAll},             // LASTBRANCH_n_FROM_IP
    {V::Intel, 0x60, 8, 0, kAll, kAll},             // LASTBRANCH_n_TO_IP
    {V::Intel, 0xc1, 2, 0, kNone, kAll},            // IA32_PMCn: do not count
    {V::Intel, 0xcd, 1, 5, kNone, kNone},           // FSB_FREQ: 100 MHz
    {V::Intel, 0xce, 1, 0, kNone, kNone},           // PLATFORM_INFO: no CPUID faulting
    {V::Intel, 0x11e, 1, 0x101, bit(8), kAll},      // BBL_CR_CTL3: the L2 cache is there, and on
    {V::Intel, 0x140, 1, 0, kNone, kNone},          // MISC_FEATURE_ENABLES
    {V::Amd, 0x17b, 1, kAll, kAll, kAll},           // MCG_CTL
    {V::Intel, 0x186, 2, 0, kNone, kAll},           // IA32_PERFEVTSELn
    {V::Intel, kPerfStatus, 1, 0, kNone, kNone},    // IA32_PERF_STATUS
    {V::Intel, 0x199, 1, 0, 0xffff, kAll},          // IA32_PERF_CTL
    {V::Intel, 0x19a, 1, 0, 0x1f, 0x1f},            // IA32_CLOCK_MODULATION
    {V::Intel, 0x19b, 1, 0, 0x1ffffff, 0x1ffffff},  // IA32_THERM_INTERRUPT
    {V::Intel, 0x19c, 1, 0, kNone, kAll},           // IA32_THERM_STATUS
    {V::Intel, 0x19d, 1, 0, kAll, kAll},            // THERM2_CTL
    {V::Intel, 0x1c9, 1, 0, kNone, kNone},          // LASTBRANCH_TOS
    {V::Any, 0x1db, 4, 0, kNone, kAll},             // last branch and exception, from and to
    {V::Any, 0x400, 1, 0, kAll, kAll},              // IA32_MCn_CTL; STATUS, ADDR, MISC
    {V::Any, 0x401, 3, 0, kNone, kNone},
    {V::Any, 0x404, 1, 0, kAll, kAll},
    {V::Any, 0x405, 3, 0, kNone, kNone},
    {V::Any, 0x408, 1, 0, kAll, kAll},
    {V::Any, 0x409, 3, 0, kNone, kNone},
    {V::Any, 0x40c, 1, 0, kAll, kAll},
    {V::Any, 0x40d, 3, 0, kNone, kNone},
    {V::Any, 0x410, 1, 0, kAll, kAll},
    {V::Any, 0x411, 3, 0, kNone, kNone},
    {V::Amd, 0xc0010000, 8, 0, kNone, kAll},           // PERF_CTLn and PERF_CTRn: do not count
    {V::Amd, 0xc0010010, 1, 0, kAll, kAll},            // SYS_CFG
    {V::Amd, 0xc0010015, 1, bit(24), ~bit(24), kAll},  // HWCR: the TSC counts at P0's frequency
    {V::Amd, 0xc0010016, 4, 0, kAll, kAll},            // IORR_BASEn, IORR_MASKn
    {V::Amd, 0xc001001a, 1, 0, kAll, kAll},            // TOP_MEM; SYS_CFG says that it is not used
    {V::Amd, 0xc001001d, 1, 0, kAll, kAll},            // TOP_MEM2
    {V::Amd, 0xc001001f, 1, 0, kAll, kAll},            // NB_CFG
    {V::Amd, 0xc0010022, 1, 0, kAll, kAll},            // redirection of machine checks
    {V::Amd, 0xc0010044, kMachineCheckBanks, 0, kAll, kAll},  // MCn_CTL_MASK
    {V::Amd, 0xc0010054, 2, 0, kAll, kAll},                   // SMI_ON_IO_TRAP_CTL_STS, INT_PENDING
    {V::Amd, 0xc0010058, 1, 0, kAll, kAll},                   // MMIO_CFG_BASE_ADDR
    {V::Amd, 0xc0010061, 1, 0, kNone, kNone},                 // P-state limit,
    {V::Amd, 0xc0010062, 1, 0, 7, 7},                         // control,
    {V::Amd, 0xc0010063, 1, 0, kNone, kNone},                 // status,
    {V::Amd, 0xc0010064, 8, 0, kNone, kAll},                  // definitions: none is enabled
    {V::Amd, 0xc0010070, 1, 0, kAll, kAll},                   // COFVID control,
    {V::Amd, 0xc0010071, 1, 0, kNone, kNone},                 // status
    {V::Amd, 0xc0010111, 1, 0x30000, kAll, kAll},             // SMM_BASE
    {V::Amd, 0xc0010112, 2, 0, kAll, kAll},                   // SMM_ADDR, SMM_MASK: no TSEG
    {V::Amd, 0xc0010114, 1, bit(3) | bit(4), kNone, kAll},    // VM_CR: SVM is off, and locked so
    {V::Amd, 0xc0010117, 1, 0, kAll, kAll},                   // VM_HSAVE_PA
    {V::Amd, 0xc0010140, 2, 0, kAll, kAll},                   // OSVW_ID_LENGTH, OSVW_STATUS
    {V::Amd, 0xc0011020, 4, 0, kAll, kAll},                   // LS_CFG, IC_CFG, DC_CFG, BU_CFG
    {V::Amd, 0xc0011028, 1, 0, kAll, kAll},                   // FP_CFG
    {V::Amd, 0xc0011029, 1, bit(1), ~bit(1), kAll},           // DE_CFG: LFENCE serialises
    {V::Amd, 0xc001102a, 6, 0, kAll, kAll},  // BU_CFG2 and other units' configuration
    {V::Amd, 0xc00110e3, 1, 0, kAll, kAll},  // configuration of the decoder
};

// A register: its row, and its place among the values.
struct Found {
  const Row* row = nullptr;
  std::size_t at = 0;
};

Found find(u32 index, bool amd) {
  std::size_t at = 0;
  for (const Row& row : kRows) {
    if (index - row.first < row.count) {
      if (row.vendor == (amd ? Vendor::Intel : Vendor::Amd)) return {};
      return {&row, at + (index - row.first)};
    }
    at += row.count;
  }
  return {};
}

void keep(u64& stored, const Row& row, u64 value) {
  stored = (stored & ~row.kept) | (value & row.kept);
}

// The bus clock of FSB_FREQ times this is the rate of the TSC, now (bits 12:8) and at most (44:40).
// [SDM 4 "MSRs in the 45 nm and 32 nm Intel Atom Processor Family"]
u64 perf_status(u64 tsc_frequency) {
  constexpr u64 kBusClock = 100'000'000, kLargest = 31;
  const u64 ratio = std::clamp<u64>(tsc_frequency / kBusClock, 1, kLargest);
  return ratio << 40 | ratio << 8;
}

}  // namespace

void StoredMsrs::reset(bool amd, std::function<u64()> tsc_frequency) {
  amd_ = amd;
  tsc_frequency_ = std::move(tsc_frequency);
  values_.clear();
  for (const Row& row : kRows) values_.insert(values_.end(), row.count, row.reset);
}

std::optional<u64> StoredMsrs::read(u32 index) const {
  const Found found = find(index, amd_);
  if (found.row == nullptr) return std::nullopt;
  if (index == kPerfStatus) return perf_status(tsc_frequency_());
  return values_[found.at];
}

bool StoredMsrs::write(u32 index, u64 value) {
  const Found found = find(index, amd_);
  if (found.row == nullptr || (value & ~found.row->allowed) != 0) return false;
  keep(values_[found.at], *found.row, value);
  return true;
}

bool StoredMsrs::set_values(std::span<const u64> values) {
  if (values.size() != values_.size()) return false;
  std::size_t at = 0;
  for (const Row& row : kRows)
    for (const std::size_t end = at + row.count; at < end; ++at) keep(values_[at], row, values[at]);
  return true;
}

}  // namespace backplane::x86
