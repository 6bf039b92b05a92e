// SPDX-License-Identifier: MIT
#include "vcpu/guest_debug.h"

#include <algorithm>
#include <bit>

#include "backplane/x86/state.h"

namespace backplane::kvm {

namespace {

constexpr std::size_t kRegisters = 4;

// R/W and LEN of a debug register in DR7, and its global enable bit.
enum Condition : u64 { kOnExecution = 0, kOnWrite = 1, kOnAccess = 3 };
u64 control_bits(const DebugRegisterUse& use, unsigned number) {
  // By size: 1, 2, 8, 4 are numbered so.
  const u64 length = use.size == 8 ? 2 : use.size - 1u;
  // The processor does not tell reads alone.
  const u64 condition = use.code ? kOnExecution : use.watchpoint.reads ? kOnAccess : kOnWrite;
  return u64{2} << (2 * number) | (condition | length << 2) << (16 + 4 * number);
}

// The largest piece of [address, address + size) that one register covers from its start on.
u8 first_piece(u64 address, u64 size) {
  u64 piece = std::min<u64>(8, std::bit_floor(size));
  while ((address & (piece - 1)) != 0) piece /= 2;
  return static_cast<u8>(piece);
}

}  // namespace

std::vector<DebugRegisterUse> assign_debug_registers(const DebugPoints& points) {
  std::vector<DebugRegisterUse> uses;
  const auto add = [&](const DebugRegisterUse& use) {
    if (uses.size() == kRegisters)
      throw Error(
          "KVM has the processor's four debug registers for breakpoints and watchpoints, of at "
          "most 8 bytes each",
          "remove some, or use -accel tcg");
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

void GuestDebug::set_points(const std::vector<DebugRegisterUse>& points) {
  if (points == points_) return;
  points_ = points;
  changed_ = true;
}

void GuestDebug::set_step(DebugStep step) {
  if (step == step_) return;
  step_ = step;
  changed_ = true;
}

void GuestDebug::tell_kernel(const Descriptor& vcpu) {
  kvm_guest_debug debug{};
  if (stepping()) {
    debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
    if (step_ == DebugStep::Instruction && blocks_interrupts_)
      debug.control |= KVM_GUESTDBG_BLOCKIRQ;
  }
  for (unsigned n = 0; n < points_.size(); ++n) {
    // A step meets no breakpoint.
    if (points_[n].code && stepping()) continue;
    debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
    debug.arch.debugreg[n] = points_[n].address;
    debug.arch.debugreg[7] |= control_bits(points_[n], n);
  }
  vcpu.call("KVM cannot debug the guest", KVM_SET_GUEST_DEBUG, &debug);
  changed_ = false;
}

DebugStop GuestDebug::stop_for(const kvm_debug_exit_arch& exit) const {
  for (unsigned n = 0; n < points_.size(); ++n) {
    if ((exit.dr6 >> n & 1) == 0) continue;
    const DebugRegisterUse& use = points_[n];
    if (!use.code) return {DebugStop::Reason::Data, use.address, use.watchpoint};
    if (!stepping()) return {DebugStop::Reason::Code, use.address, {}};
  }
  return {};
}

}  // namespace backplane::kvm
