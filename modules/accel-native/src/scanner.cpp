// SPDX-License-Identifier: MIT
#include "scanner.h"

#include <Zydis/Zydis.h>
#include <cpuid.h>

#include <algorithm>
#include <cstring>

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
// MONITORX, MWAITX, RDPRU.
bool bans_group_7(u8 modrm) {
  const unsigned reg = modrm >> 3 & 7;
  if (reg == 4) return true;
  if (modrm < 0xc0) return reg < 2;
  switch (modrm) {
    case 0xee:
    case 0xef:
      return host_has_protection_keys();
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

// 0F AE: XSAVE, XRSTOR, XSAVEOPT, which handle components that the guest's CPU does not have.
// (CLWB is 66 0F AE /6.)
bool bans_group_15(u8 before, u8 modrm) {
  const unsigned reg = modrm >> 3 & 7;
  return modrm < 0xc0 && (reg == 4 || reg == 5 || (reg == 6 && before != 0x66));
}

// 0F C7: XSAVEC, and RDPID.
bool bans_group_9(u8 before, u8 modrm) {
  const unsigned reg = modrm >> 3 & 7;
  return modrm < 0xc0 ? reg == 4 : reg == 7 && before == 0xf3;
}

bool banned(const u8* at, u8 before) {
  switch (at[1]) {
    case 0x00:
      return bans_group_6(at[2]);
    case 0x01:
      return bans_group_7(at[2]);
    case 0x02:  // LAR
    case 0x03:  // LSL
    case 0x34:  // SYSENTER
    case 0xa2:  // CPUID
      return true;
    case 0xae:
      return bans_group_15(before, at[2]);
    case 0xc7:
      return bans_group_9(before, at[2]);
    default:
      return false;
  }
}

const ZydisDecoder& decoder() {
  static const ZydisDecoder made = [] {
    ZydisDecoder d;
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderEnableMode(&d, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
    return d;
  }();
  return made;
}

bool is_prefix(u8 byte) {
  switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3:
      return true;
    default:
      return (byte & 0xf0) == 0x40;  // REX
  }
}

// Whether a walk over the instructions from `start` on comes by one whose opcode is at `at`.
bool meets(std::span<const u8> page, unsigned start, unsigned at) {
  for (;;) {
    ZydisDecodedInstruction insn;
    const ZyanStatus status = ZydisDecoderDecodeInstruction(
        &decoder(), nullptr, page.data() + start, page.size() - start, &insn);
    const unsigned next = start + (ZYAN_SUCCESS(status) ? insn.length : 1u);
    if (next > at) return std::all_of(page.begin() + start, page.begin() + at, is_prefix);
    start = next;
  }
}

// Whether bytes are an instruction, and not within another: from wherever one begins to read code,
// one is soon in step with it.
bool is_instruction(std::span<const u8> code, unsigned at) {
  constexpr unsigned kMostStarts = 16, kBefore = 64;
  if (at == 0) return true;
  const unsigned first = at > kBefore ? at - kBefore : 0;
  const unsigned starts = std::min(kMostStarts, at - first);
  unsigned met = 0;
  for (unsigned start = first; start < first + starts; ++start)
    if (meets(code, start, at)) ++met;
  return met * 2 >= starts;
}

}  // namespace

std::optional<unsigned> find_banned(const CodeWindow& window) {
  const std::span<const u8> code = window.bytes();
  // One that begins in the page before ends in this one.
  constexpr unsigned kLongest = 3;
  const unsigned begin = window.before() - std::min(window.before(), kLongest - 1);
  const u8* const last = code.data() + window.before() + kPageSize;
  const auto search = [&](u8 byte, auto is_banned) -> std::optional<unsigned> {
    for (const u8* at = code.data() + begin; at < last; ++at) {
      at = static_cast<const u8*>(std::memchr(at, byte, static_cast<std::size_t>(last - at)));
      if (at == nullptr) break;
      const auto offset = static_cast<unsigned>(at - code.data());
      if (is_banned(at, static_cast<unsigned>(code.size()) - offset) &&
          is_instruction(code, offset))
        return offset;
    }
    return std::nullopt;
  };
  const auto found = search(0x0f, [&](const u8* at, unsigned left) {
    return left >= kLongest && banned(at, at > code.data() ? at[-1] : 0);
  });
  if (found) return found;
  // INT 80h: the host's kernel takes it for a call, and half of RAX with it.
  return search(0xcd, [](const u8* at, unsigned left) { return left > 1 && at[1] == 0x80; });
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
