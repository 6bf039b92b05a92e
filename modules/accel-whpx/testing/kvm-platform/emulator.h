// SPDX-License-Identifier: MIT
// The emulation library: KVM has decoded the instruction already, what is left is to do its
// accesses.
#pragma once

#include "api/emulation.h"
#include "processor.h"

namespace kvm_platform {

class Emulator {
 public:
  explicit Emulator(const WHV_EMULATOR_CALLBACKS& callbacks) : callbacks_(callbacks) {}

  // Completes what the processor of this thread left the guest for.
  WHV_EMULATOR_STATUS complete(void* context) const;

 private:
  bool access(Processor& processor, void* context, WHV_EMULATOR_STATUS& status) const;
  bool port_access(kvm_run& page, void* context) const;
  bool memory_access(kvm_run& page, void* context) const;
  bool report_registers(void* context, WHV_EMULATOR_STATUS& status) const;

  WHV_EMULATOR_CALLBACKS callbacks_;
};

}  // namespace kvm_platform
