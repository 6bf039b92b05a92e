// SPDX-License-Identifier: MIT
#include "scanner.h"

#include <cpuid.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "cpuid_faults.h"
#include "flow.h"
#include "instruction_length.h"

namespace backplane::native {
namespace {

// [SDM 2 "Opcode Map", "Opcode Extensions"]; AMD's RDPRU, MONITORX and VMMCALL. What raises an
// exception in ring 3 needs not be here.

// 0F 00: SLDT, STR, VERR, VERW.
bool bans_group_6(u8 modrm) {
  const unsigned reg = modrm >> 3 & 7;
  return reg == 0 || reg == 1 || reg == 4 || reg == 5;
}

// Where the host's system has them off, they raise #UD.
bool host_has_protection_keys() {
  static const bool has = [] {
    constexpr unsigned kOspke = 1u << 4;
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ecx & kOspke) != 0;
  }();
  return has;
}

// 0F 01: SGDT, SIDT, SMSW, and with register forms VMCALL, XGETBV, ENCLU, VMMCALL, RDPKRU, WRPKRU,
// RDTSCP, MONITORX, MWAITX, RDPRU.
bool bans_group_7(u8 modrm, Rdtsc rdtsc) {
  const unsigned reg = modrm >> 3 & 7;
  if (reg == 4) return true;
  if (modrm < 0xc0) return reg < 2;
  switch (modrm) {
    case 0xee:
    case 0xef:
      return host_has_protection_keys();
    case 0xf9:
      return rdtsc == Rdtsc::Answers;
    case 0xc1:
    case 0xd0:
    case 0xd7:
    case 0xd9:
    case 0xfa:
    case 0xfb:
    case 0xfd:
      return true;
    default:
      return false;
  }
}

// 0F AE: XSAVE, XRSTOR, XSAVEOPT, which handle components that the guest's CPU does not have. (With
// 66 the last one is CLWB; but that byte may be another instruction's.)
bool bans_group_15(u8 modrm) {
  const unsigned reg = modrm >> 3 & 7;
  return modrm < 0xc0 && reg >= 4 && reg <= 6;
}

// 0F C7: XSAVEC, and RDPID.
bool bans_group_9(u8 before, u8 modrm) {
  const unsigned reg = modrm >> 3 & 7;
  return modrm < 0xc0 ? reg == 4 : reg == 7 && before == 0xf3;
}

bool bans_three_bytes(u8 opcode, u8 modrm, u8 before, Rdtsc rdtsc) {
  switch (opcode) {
    case 0x00:
      return bans_group_6(modrm);
    case 0x01:
      return bans_group_7(modrm, rdtsc);
    case 0x02:  // LAR
    case 0x03:  // LSL
      return true;
    case 0xae:
      return bans_group_15(modrm);
    case 0xc7:
      return bans_group_9(before, modrm);
    default:
      return false;
  }
}

// How many bytes from 0F on make an instruction that is banned, or 0. `before`: the prefix.
unsigned banned(std::span<const u8> code, u8 before, Rdtsc rdtsc) {
  if (code.size() < 2) return 0;
  switch (code[1]) {
    case 0x31:  // RDTSC
      return rdtsc == Rdtsc::Answers ? 2 : 0;
    case 0x34:  // SYSENTER
      return 2;
    case 0xa2:  // CPUID
      return host_faults_cpuid() ? 0 : 2;
    default:
      return code.size() > 2 && bans_three_bytes(code[1], code[2], before, rdtsc) ? 3 : 0;
  }
}

// Instructions of a page in its window, each decoded once however many walks come by it. What lies
// in the pages beside it may change and nobody tell, so nothing is made of that.
class Walker {
 public:
  explicit Walker(const CodeWindow& window)
      : code_(window.bytes()),
        first_(window.before()),
        end_(window.before() + static_cast<unsigned>(kPageSize)) {}

  static constexpr unsigned kStarts = 16;

  // Whether bytes are an instruction, and not within another: from wherever one begins to read
  // code, one is soon in step with it. `enough` of the starts have to come by.
  bool is_instruction(unsigned at, unsigned enough) {
    constexpr unsigned kBefore = 64;
    if (at < kStarts) return true;
    const unsigned first = at - std::min(at, kBefore);
    unsigned met = 0;
    for (unsigned start = first; start < first + kStarts && met < enough; ++start)
      if (meets(start, at)) ++met;
    return met == enough;
  }

  // Whether no program comes by: wherever it went on from there, it would meet with what programs
  // are not made of before there is a way out of the page; of what is behind that nobody tells when
  // it changes. Tables of constants that lie between functions are full of such things.
  bool is_nonsense(unsigned at) { return is_odd(at, 0, 0); }

 private:
  // Behind so many odd instructions, and so many jumps that may be taken.
  bool is_odd(unsigned at, unsigned odd, unsigned jumps) {
    constexpr unsigned kLongest = 15, kEnough = 2, kMostJumps = 4;
    while (at >= first_ && at < end_ - kLongest && budget_ > 0) {
      --budget_;
      const unsigned length = instruction_length(code_.subspan(at));
      const Flow flow = length == 0 ? Flow{Flow::Odd} : flow_of(code_.subspan(at, length));
      if (flow.kind == Flow::Leaves) return false;
      if (flow.kind == Flow::Odd && ++odd == kEnough) return true;
      at += std::max(length, 1u);
      if (flow.kind == Flow::MayJump &&
          (jumps == kMostJumps ||
           !is_odd(at + static_cast<unsigned>(flow.distance), odd, jumps + 1)))
        return false;
    }
    return false;
  }

  // Whether a walk from `start` on comes by one whose opcode is at `at`.
  bool meets(unsigned start, unsigned at) {
    for (;;) {
      const unsigned next = start + length_at(start);
      if (next > at) return std::all_of(code_.begin() + start, code_.begin() + at, is_prefix);
      start = next;
    }
  }
  // What is none counts as one byte.
  unsigned length_at(unsigned start) {
    u8& length = lengths_[start];
    if (length == 0)
      length = static_cast<u8>(std::max(instruction_length(code_.subspan(start)), 1u));
    return length;
  }

  const std::span<const u8> code_;
  const unsigned first_, end_;
  unsigned budget_ = 4 * kPageSize;  // instructions that are looked at
  u8 lengths_[CodeWindow::kMostBytes] = {};
};

// Of how many walks it has to be met: long instructions that are all alike can have two readings
// side by side. What programs have no use for, and what tells them little of the host, is far more
// often bytes of others.
unsigned enough_for(std::span<const u8> code) {
  constexpr unsigned kFew = Walker::kStarts / 4, kHalf = Walker::kStarts / 2;
  const bool descriptors =
      code[0] == 0x0f && (code[1] == 0x00 || (code[1] == 0x01 && code[2] < 0xc0));
  return descriptors ? kHalf : kFew;
}

// The last byte in front of an opcode that is no REX prefix.
u8 prefix_before(std::span<const u8> code, unsigned at) {
  constexpr u8 kRexMask = 0xf0, kRex = 0x40;
  while (at > 0 && (code[at - 1] & kRexMask) == kRex) --at;
  return at > 0 ? code[at - 1] : u8{0};
}

}  // namespace

std::optional<unsigned> find_banned(const CodeWindow& window, Rdtsc rdtsc) {
  const std::span<const u8> code = window.bytes();
  const unsigned first = window.before(), end = first + static_cast<unsigned>(kPageSize);
  Walker walker(window);
  // The length of a banned instruction that the bytes begin with, or 0.
  const auto search = [&](u8 byte, auto banned_length) -> std::optional<unsigned> {
    // One that begins in the page before may end in this one.
    constexpr unsigned kLongest = 3;
    const u8* at = code.data() + first - std::min(first, kLongest - 1);
    for (const u8* const last = code.data() + end; at < last; ++at) {
      at = static_cast<const u8*>(std::memchr(at, byte, static_cast<std::size_t>(last - at)));
      if (at == nullptr) break;
      const auto offset = static_cast<unsigned>(at - code.data());
      const unsigned length = banned_length(offset);
      if (length != 0 && offset + length > first &&
          walker.is_instruction(offset, enough_for(code.subspan(offset))) &&
          !walker.is_nonsense(offset))
        return offset;
    }
    return std::nullopt;
  };
  const auto found = search(0x0f, [&](unsigned offset) {
    return banned(code.subspan(offset), prefix_before(code, offset), rdtsc);
  });
  if (found) return found;
  // INT 80h: the host's kernel takes it for a call, and half of RAX with it.
  return search(0xcd, [&](unsigned offset) {
    return offset + 1 < code.size() && code[offset + 1] == 0x80 ? 2u : 0u;
  });
}

u64 CodeWindow::hash(u64 key) const {
  // Lanes of their own, for the processor to do them side by side.
  constexpr u64 kOdd = 0x9e3779b97f4a7c15;
  constexpr unsigned kLanes = 4, kStep = kLanes * sizeof(u64);
  u64 lanes[kLanes] = {key, key + kOdd, key ^ kOdd, ~key};
  const auto mix = [&lanes](const u8* from) {
    for (unsigned n = 0; n < kLanes; ++n) {
      u64 word;
      std::memcpy(&word, from + n * sizeof word, sizeof word);
      lanes[n] = (lanes[n] ^ word) * kOdd;
      lanes[n] ^= lanes[n] >> 29;
    }
  };
  unsigned at = 0;
  for (; at + kStep <= size_; at += kStep) mix(bytes_ + at);
  u8 rest[kStep] = {};
  std::memcpy(rest, bytes_ + at, size_ - at);
  mix(rest);
  u64 all = size_ * kOdd + before_;
  for (const u64 lane : lanes) all = (all ^ lane) * kOdd ^ (all >> 31);
  return all;
}

u64 ScannedPages::random_key() {
  std::random_device source;
  return u64{source()} << 32 | source();
}

bool ScannedPages::is_banned(u64 offset, const CodeWindow& window, Rdtsc rdtsc) {
  constexpr std::size_t kMost = 1 << 15;
  const u64 hash = window.hash(key_);
  if (known_.size() >= kMost) known_.clear();
  const auto [entry, is_new] = known_.try_emplace(offset);
  Found& found = entry->second;
  if (is_new || found.hash != hash) {
    const bool banned = find_banned(window, Rdtsc::Answers).has_value();
    found = {.hash = hash,
             .banned = banned,
             .banned_though_it_traps = banned && find_banned(window, Rdtsc::Traps).has_value()};
  }
  return rdtsc == Rdtsc::Traps ? found.banned_though_it_traps : found.banned;
}

void CodeWindow::set(std::span<const u8> before, std::span<const u8> page,
                     std::span<const u8> behind) {
  before_ = static_cast<unsigned>(std::min<std::size_t>(before.size(), kAround));
  size_ = before_ + static_cast<unsigned>(kPageSize);
  std::memcpy(bytes_, before.data() + (before.size() - before_), before_);
  std::memcpy(bytes_ + before_, page.data(), kPageSize);
  const std::size_t more = std::min<std::size_t>(behind.size(), kAround);
  std::memcpy(bytes_ + size_, behind.data(), more);
  size_ += static_cast<unsigned>(more);
}

}  // namespace backplane::native
