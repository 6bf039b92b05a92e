// SPDX-License-Identifier: MIT
// A vCPU of a machine that is saved: what only the platform knows of it becomes state of the CPU.
#include "backplane/x86/system.h"
#include "vcpu/vcpu.h"

namespace backplane::whpx {

void WhpxVcpu::expect_saves_state() const {
  constexpr u64 kAvx = 1 << 2;
  const u64 xcr0 = started_ && processor_.has(WHvX64RegisterXCr0)
                       ? processor_.get(WHvX64RegisterXCr0).Reg64
                       : state_.xcr0;
  if ((xcr0 & kAvx) != 0)
    throw Error("the guest uses AVX, whose registers WHPX does not show whole",
                "use -cpu max,-avx");
}

void WhpxVcpu::settle() {
  if (!started_) return;
  load();
  deliver_what_is_under_way();
  store();
  delivery_->drop(entry_);
}

// What the platform would push on the guest's stack at the next entry is pushed here, and true if
// it was. Faults need none of that: RIP is still at the instruction, which raises them again. [WHP
// "Virtual Processor Register Names and Values": WHvRegisterPendingInterruption]
bool WhpxVcpu::deliver_what_is_under_way() {
  const WHV_X64_PENDING_INTERRUPTION_REGISTER event =
      processor_.get(WHvRegisterPendingInterruption).PendingInterruption;
  if (event.InterruptionPending == 0) return false;
  const x86::Context context{cpu_, linear_};
  const auto vector = static_cast<u8>(event.InterruptionVector);
  if (event.InterruptionType == WHvX64PendingInterrupt)
    deliver_event(context, x86::EventKind::External, vector, state_.rip);
  else if (event.InterruptionType == WHvX64PendingNmi)
    deliver_event(context, x86::EventKind::Nmi, x86::kNMI, state_.rip);
  else if (vector == x86::kDB)
    deliver_event(context, x86::EventKind::Debug, x86::kDB, state_.rip);
  else
    return false;
  return true;
}

}  // namespace backplane::whpx
