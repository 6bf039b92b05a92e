// SPDX-License-Identifier: MIT
#include "emulator.h"

#include <cstring>

#include "api/results.h"

namespace kvm_platform {

WHV_EMULATOR_STATUS Emulator::complete(void* context) const {
  WHV_EMULATOR_STATUS status{};
  Processor* const processor = Processor::of_this_thread();
  if (processor == nullptr || processor->has_unknown_instruction()) {
    status.InternalEmulationFailure = 1;
    return status;
  }
  do {
    if (!access(*processor, context, status)) return status;
  } while (processor->resume_access());
  if (report_registers(context, status)) status.EmulationSuccessful = 1;
  return status;
}

bool Emulator::access(Processor& processor, void* context, WHV_EMULATOR_STATUS& status) const {
  kvm_run& page = processor.page();
  if (page.exit_reason == KVM_EXIT_IO) {
    if (port_access(page, context)) return true;
    status.IoPortCallbackFailed = 1;
  } else {
    if (memory_access(page, context)) return true;
    status.MemoryCallbackFailed = 1;
  }
  return false;
}

bool Emulator::port_access(kvm_run& page, void* context) const {
  u8* data = reinterpret_cast<u8*>(&page) + page.io.data_offset;
  for (u32 n = 0; n < page.io.count; ++n, data += page.io.size) {
    WHV_EMULATOR_IO_ACCESS_INFO access{};
    access.Direction = page.io.direction == KVM_EXIT_IO_OUT ? 1 : 0;
    access.Port = page.io.port;
    access.AccessSize = page.io.size;
    if (access.Direction != 0) std::memcpy(&access.Data, data, page.io.size);
    if (!succeeded(callbacks_.WHvEmulatorIoPortCallback(context, &access))) return false;
    if (access.Direction == 0) std::memcpy(data, &access.Data, page.io.size);
  }
  return true;
}

bool Emulator::memory_access(kvm_run& page, void* context) const {
  WHV_EMULATOR_MEMORY_ACCESS_INFO access{};
  access.GpaAddress = page.mmio.phys_addr;
  access.Direction = page.mmio.is_write;
  access.AccessSize = static_cast<u8>(page.mmio.len);
  if (access.Direction != 0) std::memcpy(access.Data, page.mmio.data, page.mmio.len);
  if (!succeeded(callbacks_.WHvEmulatorMemoryCallback(context, &access))) return false;
  if (access.Direction == 0) std::memcpy(page.mmio.data, access.Data, page.mmio.len);
  return true;
}

// KVM has moved on already, perhaps to an exception. That the caller hears of it, through its own
// callbacks, is part of the interface.
bool Emulator::report_registers(void* context, WHV_EMULATOR_STATUS& status) const {
  constexpr WHV_REGISTER_NAME kNames[] = {WHvX64RegisterRip, WHvX64RegisterRax,
                                          WHvRegisterPendingInterruption};
  WHV_REGISTER_VALUE values[3];
  if (!succeeded(callbacks_.WHvEmulatorGetVirtualProcessorRegisters(context, kNames, 3, values))) {
    status.GetVirtualProcessorRegistersCallbackFailed = 1;
    return false;
  }
  const u32 count = values[2].PendingInterruption.InterruptionPending != 0 ? 3 : 2;
  if (!succeeded(
          callbacks_.WHvEmulatorSetVirtualProcessorRegisters(context, kNames, count, values)))
    status.SetVirtualProcessorRegistersCallbackFailed = 1;
  else
    return true;
  return false;
}

}  // namespace kvm_platform
