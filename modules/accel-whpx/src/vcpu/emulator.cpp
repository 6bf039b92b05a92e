// SPDX-License-Identifier: MIT
#include "vcpu/emulator.h"

#include "partition/failure.h"

namespace backplane::whpx {
namespace {

// Whether the instruction is done; false if the library does not know it.
bool is_done(const char* what, HRESULT result, WHV_EMULATOR_STATUS status) {
  check(what, result);
  if (status.EmulationSuccessful != 0) return true;
  if (status.InternalEmulationFailure != 0) return false;
  throw Error::of("WHPX: cannot {}, emulator status {:#x}", what, status.AsUINT32);
}

template <class Access>
bool is_valid_size(const Access& access, std::size_t room) {
  return access.AccessSize >= 1 && access.AccessSize <= room;
}

}  // namespace

Emulator::Emulator(const VirtualProcessor& processor, AddressSpace& memory, AddressSpace& ports)
    : processor_(processor), memory_(memory), ports_(ports) {
  check("create an emulator", dispatch().WHvEmulatorCreateEmulator(&kCallbacks, &handle_));
}

Emulator::~Emulator() { dispatch().WHvEmulatorDestroyEmulator(handle_); }

bool Emulator::complete_port_access(const WHV_RUN_VP_EXIT_CONTEXT& exit) {
  raised_event_ = false;
  WHV_EMULATOR_STATUS status{};
  const HRESULT result = dispatch().WHvEmulatorTryIoEmulation(handle_, this, &exit.VpContext,
                                                              &exit.IoPortAccess, &status);
  return is_done("emulate a port access", result, status);
}

bool Emulator::complete_memory_access(const WHV_RUN_VP_EXIT_CONTEXT& exit) {
  raised_event_ = false;
  WHV_EMULATOR_STATUS status{};
  const HRESULT result = dispatch().WHvEmulatorTryMmioEmulation(handle_, this, &exit.VpContext,
                                                                &exit.MemoryAccess, &status);
  return is_done("emulate a memory access", result, status);
}

HRESULT Emulator::port_access(void* self, WHV_EMULATOR_IO_ACCESS_INFO* access) noexcept {
  AddressSpace& ports = static_cast<Emulator*>(self)->ports_;
  if (!is_valid_size(*access, sizeof access->Data)) return kInvalidArgument;
  if (access->Direction != 0) {
    ports.write(access->Port, &access->Data, access->AccessSize);
  } else {
    access->Data = 0;
    ports.read(access->Port, &access->Data, access->AccessSize);
  }
  return kOk;
}

HRESULT Emulator::memory_access(void* self, WHV_EMULATOR_MEMORY_ACCESS_INFO* access) noexcept {
  AddressSpace& memory = static_cast<Emulator*>(self)->memory_;
  if (!is_valid_size(*access, sizeof access->Data)) return kInvalidArgument;
  // What nothing answers to reads as ones; what ROM does not take is lost.
  if (access->Direction != 0)
    memory.write(access->GpaAddress, access->Data, access->AccessSize);
  else
    memory.read(access->GpaAddress, access->Data, access->AccessSize);
  return kOk;
}

HRESULT Emulator::get_registers(void* self, const WHV_REGISTER_NAME* names, u32 count,
                                WHV_REGISTER_VALUE* values) noexcept {
  return static_cast<Emulator*>(self)->processor_.try_get(names, count, values);
}

HRESULT Emulator::set_registers(void* self, const WHV_REGISTER_NAME* names, u32 count,
                                const WHV_REGISTER_VALUE* values) noexcept {
  auto* const emulator = static_cast<Emulator*>(self);
  for (u32 n = 0; n < count; ++n)
    if (names[n] == WHvRegisterPendingInterruption || names[n] == WHvRegisterPendingEvent)
      emulator->raised_event_ = true;
  return emulator->processor_.try_set(names, count, values);
}

HRESULT Emulator::translate(void* self, WHV_GUEST_VIRTUAL_ADDRESS gva,
                            WHV_TRANSLATE_GVA_FLAGS flags, WHV_TRANSLATE_GVA_RESULT_CODE* result,
                            WHV_GUEST_PHYSICAL_ADDRESS* gpa) noexcept {
  return static_cast<Emulator*>(self)->processor_.translate(gva, flags, *result, *gpa);
}

}  // namespace backplane::whpx
