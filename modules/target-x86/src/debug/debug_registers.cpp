// SPDX-License-Identifier: MIT
#include "backplane/x86/debug_registers.h"

#include <algorithm>
#include <bit>

#include "backplane/error.h"

namespace backplane::x86 {

namespace {

constexpr std::size_t kRegisters = 4;

// The largest piece of [address, address + size) that one register covers from its start on.
u8 first_piece(u64 address, u64 size) {
  u64 piece = std::min<u64>(8, std::bit_floor(size));
  while ((address & (piece - 1)) != 0) piece /= 2;
  return static_cast<u8>(piece);
}

}  // namespace

std::vector<DebugRegisterUse> assign_debug_registers(const DebugPoints& points,
                                                     std::string_view accelerator) {
  std::vector<DebugRegisterUse> uses;
  const auto add = [&](const DebugRegisterUse& use) {
    if (uses.size() == kRegisters)
      throw Error::of(
          "{} has the processor's four debug registers for breakpoints and watchpoints, of at "
          "most 8 bytes each",
          accelerator)
          .with_hint("remove some, or use -accel tcg");
    uses.push_back(use);
  };
  for (const u64 address : points.code) add({.address = address, .watchpoint = {}});
  for (const Watchpoint& w : points.data)
    for (u64 done = 0; done < w.size;) {
      const u8 piece = first_piece(w.address + done, w.size - done);
      add({w.address + done, piece, false, w});
      done += piece;
    }
  return uses;
}

// R/W and LEN, and the global enable bit.
u64 debug_control(const DebugRegisterUse& use, unsigned number) {
  enum Condition : u64 { kOnExecution = 0, kOnWrite = 1, kOnAccess = 3 };
  // By size: 1, 2, 8, 4 are numbered so.
  const u64 length = use.size == 8 ? 2 : use.size - 1u;
  // The processor does not tell reads alone.
  const u64 condition = use.code ? kOnExecution : use.watchpoint.reads ? kOnAccess : kOnWrite;
  return u64{2} << (2 * number) | (condition | length << 2) << (16 + 4 * number);
}

std::optional<DebugStop> debug_stop_of(const std::vector<DebugRegisterUse>& uses, u64 dr6) {
  for (unsigned n = 0; n < uses.size(); ++n) {
    if ((dr6 >> n & 1) == 0) continue;
    const DebugRegisterUse& use = uses[n];
    if (use.code) return DebugStop{DebugStop::Reason::Code, use.address, {}};
    return DebugStop{DebugStop::Reason::Data, use.address, use.watchpoint};
  }
  return std::nullopt;
}

}  // namespace backplane::x86
