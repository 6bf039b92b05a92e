// SPDX-License-Identifier: MIT
// The functions of both libraries.
#include <cstring>

#include "api/functions.h"
#include "emulator.h"
#include "partition.h"

#define EXPORT extern "C" [[gnu::ms_abi, gnu::visibility("default")]]

namespace {

using namespace kvm_platform;

constexpr u32 kApicPage = 4096;

// No exception leaves the library.
template <class Function>
HRESULT guarded(Function&& function) {
  try {
    return function();
  } catch (const std::exception&) {
    return kFail;
  }
}

template <class Function>
HRESULT with_partition(WHV_PARTITION_HANDLE handle, Function&& function) {
  if (handle == nullptr) return kInvalidArgument;
  return guarded([&] { return function(*static_cast<Partition*>(handle)); });
}

template <class Function>
HRESULT with_processor(WHV_PARTITION_HANDLE handle, u32 index, Function&& function) {
  return with_partition(handle, [&](Partition& partition) {
    Processor* const processor = partition.processor(index);
    return processor == nullptr ? kVpDoesNotExist : function(*processor);
  });
}

WHV_EMULATOR_STATUS complete(WHV_EMULATOR_HANDLE emulator, void* context) {
  return static_cast<Emulator*>(emulator)->complete(context);
}

}  // namespace

EXPORT HRESULT WHvGetCapability(WHV_CAPABILITY_CODE code, void* buffer, u32 size, u32* written) {
  WHV_CAPABILITY capability{};
  switch (code) {
    case WHvCapabilityCodeHypervisorPresent:
      capability.HypervisorPresent = succeeded(guarded([] { return Partition(), kOk; })) ? 1 : 0;
      break;
    case WHvCapabilityCodeFeatures:
      capability.Features.Xsave = 1;
      capability.Features.LocalApicEmulation = 1;
      break;
    case WHvCapabilityCodeExtendedVmExits:
      capability.ExtendedVmExits = offered_exits();
      break;
    default:
      return kUnknownCapability;
  }
  const u32 needed = sizeof(u64);
  if (size < needed) return kInsufficientBuffer;
  std::memcpy(buffer, &capability, needed);
  if (written != nullptr) *written = needed;
  return kOk;
}

EXPORT HRESULT WHvCreatePartition(WHV_PARTITION_HANDLE* partition) {
  return guarded([&] {
    *partition = new Partition;
    return kOk;
  });
}

EXPORT HRESULT WHvSetupPartition(WHV_PARTITION_HANDLE handle) {
  return with_partition(handle, [](Partition& partition) { return partition.set_up(); });
}

EXPORT HRESULT WHvDeletePartition(WHV_PARTITION_HANDLE handle) {
  delete static_cast<Partition*>(handle);
  return kOk;
}

EXPORT HRESULT WHvGetPartitionProperty(WHV_PARTITION_HANDLE handle,
                                       WHV_PARTITION_PROPERTY_CODE code, void* buffer, u32 size,
                                       u32* written) {
  return with_partition(handle, [&](Partition& partition) {
    return partition.get_property(code, buffer, size, written);
  });
}

EXPORT HRESULT WHvSetPartitionProperty(WHV_PARTITION_HANDLE handle,
                                       WHV_PARTITION_PROPERTY_CODE code, const void* buffer,
                                       u32 size) {
  return with_partition(
      handle, [&](Partition& partition) { return partition.set_property(code, buffer, size); });
}

EXPORT HRESULT WHvMapGpaRange(WHV_PARTITION_HANDLE handle, void* source,
                              WHV_GUEST_PHYSICAL_ADDRESS gpa, u64 size,
                              WHV_MAP_GPA_RANGE_FLAGS flags) {
  return with_partition(
      handle, [&](Partition& partition) { return partition.map(source, gpa, size, flags); });
}

EXPORT HRESULT WHvUnmapGpaRange(WHV_PARTITION_HANDLE handle, WHV_GUEST_PHYSICAL_ADDRESS gpa,
                                u64 size) {
  return with_partition(handle, [&](Partition& partition) { return partition.unmap(gpa, size); });
}

EXPORT HRESULT WHvTranslateGva(WHV_PARTITION_HANDLE handle, u32 index,
                               WHV_GUEST_VIRTUAL_ADDRESS gva, WHV_TRANSLATE_GVA_FLAGS,
                               WHV_TRANSLATE_GVA_RESULT* result, WHV_GUEST_PHYSICAL_ADDRESS* gpa) {
  return with_processor(handle, index, [&](Processor& processor) {
    *result = {.ResultCode = processor.translate(gva, *gpa) ? WHvTranslateGvaResultSuccess
                                                            : WHvTranslateGvaResultPageNotPresent,
               .Reserved = 0};
    return kOk;
  });
}

EXPORT HRESULT WHvCreateVirtualProcessor(WHV_PARTITION_HANDLE handle, u32 index, u32) {
  return with_partition(handle,
                        [&](Partition& partition) { return partition.create_processor(index); });
}

EXPORT HRESULT WHvDeleteVirtualProcessor(WHV_PARTITION_HANDLE handle, u32 index) {
  return with_partition(handle,
                        [&](Partition& partition) { return partition.delete_processor(index); });
}

EXPORT HRESULT WHvRunVirtualProcessor(WHV_PARTITION_HANDLE handle, u32 index, void* exit,
                                      u32 size) {
  if (size < sizeof(WHV_RUN_VP_EXIT_CONTEXT)) return kInsufficientBuffer;
  return with_processor(handle, index, [&](Processor& processor) {
    processor.run(*static_cast<WHV_RUN_VP_EXIT_CONTEXT*>(exit));
    return kOk;
  });
}

EXPORT HRESULT WHvCancelRunVirtualProcessor(WHV_PARTITION_HANDLE handle, u32 index, u32) {
  return with_processor(handle, index, [](Processor& processor) {
    processor.cancel();
    return kOk;
  });
}

EXPORT HRESULT WHvGetVirtualProcessorRegisters(WHV_PARTITION_HANDLE handle, u32 index,
                                               const WHV_REGISTER_NAME* names, u32 count,
                                               WHV_REGISTER_VALUE* values) {
  return with_processor(handle, index, [&](Processor& processor) {
    for (u32 n = 0; n < count; ++n)
      if (!processor.get(names[n], values[n])) return kInvalidVpRegisterName;
    return kOk;
  });
}

EXPORT HRESULT WHvSetVirtualProcessorRegisters(WHV_PARTITION_HANDLE handle, u32 index,
                                               const WHV_REGISTER_NAME* names, u32 count,
                                               const WHV_REGISTER_VALUE* values) {
  return with_processor(handle, index, [&](Processor& processor) {
    for (u32 n = 0; n < count; ++n)
      if (!processor.set(names[n], values[n])) return kInvalidVpRegisterName;
    return kOk;
  });
}

EXPORT HRESULT WHvRequestInterrupt(WHV_PARTITION_HANDLE handle,
                                   const WHV_INTERRUPT_CONTROL* control, u32 size) {
  if (size < sizeof *control) return kInvalidArgument;
  return with_partition(handle, [&](Partition& partition) {
    partition.request_interrupt(*control);
    return kOk;
  });
}

EXPORT HRESULT WHvGetVirtualProcessorInterruptControllerState2(WHV_PARTITION_HANDLE handle,
                                                               u32 index, void* state, u32 size,
                                                               u32* written) {
  if (size < kApicPage) return kInsufficientBuffer;
  return with_processor(handle, index, [&](Processor& processor) {
    std::memset(state, 0, kApicPage);
    processor.get_local_apic(state);
    *written = kApicPage;
    return kOk;
  });
}

EXPORT HRESULT WHvSetVirtualProcessorInterruptControllerState2(WHV_PARTITION_HANDLE handle,
                                                               u32 index, const void* state,
                                                               u32 size) {
  if (size < kApicPage) return kInsufficientBuffer;
  return with_processor(handle, index, [&](Processor& processor) {
    processor.set_local_apic(state);
    return kOk;
  });
}

EXPORT HRESULT WHvEmulatorCreateEmulator(const WHV_EMULATOR_CALLBACKS* callbacks,
                                         WHV_EMULATOR_HANDLE* emulator) {
  if (callbacks->Size != sizeof *callbacks) return kInvalidArgument;
  *emulator = new Emulator(*callbacks);
  return kOk;
}

EXPORT HRESULT WHvEmulatorDestroyEmulator(WHV_EMULATOR_HANDLE emulator) {
  delete static_cast<Emulator*>(emulator);
  return kOk;
}

EXPORT HRESULT WHvEmulatorTryIoEmulation(WHV_EMULATOR_HANDLE emulator, void* context,
                                         const WHV_VP_EXIT_CONTEXT*,
                                         const WHV_X64_IO_PORT_ACCESS_CONTEXT*,
                                         WHV_EMULATOR_STATUS* status) {
  return guarded([&] { return *status = complete(emulator, context), kOk; });
}

EXPORT HRESULT WHvEmulatorTryMmioEmulation(WHV_EMULATOR_HANDLE emulator, void* context,
                                           const WHV_VP_EXIT_CONTEXT*,
                                           const WHV_MEMORY_ACCESS_CONTEXT*,
                                           WHV_EMULATOR_STATUS* status) {
  return guarded([&] { return *status = complete(emulator, context), kOk; });
}
