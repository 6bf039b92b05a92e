// SPDX-License-Identifier: MIT
// The functions of the emulation library.
#include <cstring>

#include "export.h"
#include "script.h"

using namespace scripted_platform;

namespace {

int the_emulator;
using Lock = std::lock_guard<std::mutex>;

HRESULT call_back(const WHV_EMULATOR_CALLBACKS& callbacks, void* context, Access& access) {
  if (access.port) {
    WHV_EMULATOR_IO_ACCESS_INFO info{.Direction = static_cast<u8>(access.write ? 1 : 0),
                                     .Port = static_cast<u16>(access.address),
                                     .AccessSize = access.size,
                                     .Data = static_cast<u32>(access.data)};
    const HRESULT result = callbacks.WHvEmulatorIoPortCallback(context, &info);
    access.data = info.Data;
    return result;
  }
  WHV_EMULATOR_MEMORY_ACCESS_INFO info{.GpaAddress = access.address,
                                       .Direction = static_cast<u8>(access.write ? 1 : 0),
                                       .AccessSize = access.size,
                                       .Data = {}};
  std::memcpy(info.Data, &access.data, sizeof info.Data);
  const HRESULT result = callbacks.WHvEmulatorMemoryCallback(context, &info);
  std::memcpy(&access.data, info.Data, sizeof info.Data);
  return result;
}

// The next emulation of the script.
HRESULT emulate(const char* function, void* context, WHV_EMULATOR_STATUS* status) {
  Script& s = script();
  Emulation emulation;
  WHV_EMULATOR_CALLBACKS callbacks;
  {
    const Lock lock(s.mutex);
    if (const HRESULT result = s.note(function); !succeeded(result)) return result;
    callbacks = s.callbacks;
    if (!s.emulations.empty()) {
      emulation = s.emulations.front();
      s.emulations.pop_front();
    }
  }
  status->AsUINT32 = emulation.status;
  // Without the mutex: the callbacks come back to this library.
  for (Access& access : emulation.accesses)
    if (!succeeded(call_back(callbacks, context, access))) {
      status->AsUINT32 = 0;
      if (access.port)
        status->IoPortCallbackFailed = 1;
      else
        status->MemoryCallbackFailed = 1;
      break;
    }
  for (const auto& [name, number] : emulation.sets) {
    WHV_REGISTER_VALUE value{};
    value.Reg64 = number;
    callbacks.WHvEmulatorSetVirtualProcessorRegisters(context, &name, 1, &value);
  }
  const Lock lock(s.mutex);
  s.done.push_back(emulation);
  return emulation.result;
}

}  // namespace

WHPX_EXPORT HRESULT WHvEmulatorCreateEmulator(const WHV_EMULATOR_CALLBACKS* callbacks,
                                              WHV_EMULATOR_HANDLE* emulator) {
  Script& s = script();
  const Lock lock(s.mutex);
  if (const HRESULT result = s.note("WHvEmulatorCreateEmulator"); !succeeded(result)) return result;
  s.callbacks = *callbacks;
  ++s.emulators;
  *emulator = &the_emulator;
  return kOk;
}

WHPX_EXPORT HRESULT WHvEmulatorDestroyEmulator(WHV_EMULATOR_HANDLE) {
  Script& s = script();
  const Lock lock(s.mutex);
  --s.emulators;
  return s.note("WHvEmulatorDestroyEmulator");
}

WHPX_EXPORT HRESULT WHvEmulatorTryIoEmulation(WHV_EMULATOR_HANDLE, void* context,
                                              const WHV_VP_EXIT_CONTEXT*,
                                              const WHV_X64_IO_PORT_ACCESS_CONTEXT*,
                                              WHV_EMULATOR_STATUS* status) {
  return emulate("WHvEmulatorTryIoEmulation", context, status);
}

WHPX_EXPORT HRESULT WHvEmulatorTryMmioEmulation(WHV_EMULATOR_HANDLE, void* context,
                                                const WHV_VP_EXIT_CONTEXT*,
                                                const WHV_MEMORY_ACCESS_CONTEXT*,
                                                WHV_EMULATOR_STATUS* status) {
  return emulate("WHvEmulatorTryMmioEmulation", context, status);
}
