// SPDX-License-Identifier: MIT
// The functions of the platform library.
#include <algorithm>
#include <cstring>

#include "export.h"
#include "script.h"

using namespace scripted_platform;

namespace {

int the_partition;
using Lock = std::lock_guard<std::mutex>;

HRESULT fill(void* buffer, u32 size, u32* written, const void* value, u32 needed) {
  if (size < needed) return kInsufficientBuffer;
  std::memcpy(buffer, value, needed);
  if (written != nullptr) *written = needed;
  return kOk;
}

// The result of a call on a processor, which has to exist.
HRESULT note_processor(const char* function, u32 index) {
  Script& s = script();
  const HRESULT result = s.note(function, index);
  if (!succeeded(result)) return result;
  return s.processors.contains(index) ? kOk : kVpDoesNotExist;
}

bool is_known(WHV_REGISTER_NAME name) {
  const auto& unknown = script().unknown_registers;
  return std::find(unknown.begin(), unknown.end(), name) == unknown.end();
}

}  // namespace

extern "C" BOOST_SYMBOL_EXPORT Script* whpx_script() { return &script(); }

WHPX_EXPORT HRESULT WHvGetCapability(WHV_CAPABILITY_CODE code, void* buffer, u32 size,
                                     u32* written) {
  Script& s = script();
  const Lock lock(s.mutex);
  if (const HRESULT result = s.note("WHvGetCapability", code); !succeeded(result)) return result;
  switch (code) {
    case WHvCapabilityCodeHypervisorPresent: {
      const u32 present = s.hypervisor_present ? 1 : 0;
      return fill(buffer, size, written, &present, sizeof present);
    }
    case WHvCapabilityCodeFeatures:
      return fill(buffer, size, written, &s.features, sizeof s.features);
    case WHvCapabilityCodeExtendedVmExits:
      if (s.tells_exits) return fill(buffer, size, written, &s.exits, sizeof s.exits);
      return kUnknownCapability;
    default:
      return kUnknownCapability;
  }
}

WHPX_EXPORT HRESULT WHvCreatePartition(WHV_PARTITION_HANDLE* partition) {
  Script& s = script();
  const Lock lock(s.mutex);
  if (const HRESULT result = s.note("WHvCreatePartition"); !succeeded(result)) return result;
  ++s.partitions;
  *partition = &the_partition;
  return kOk;
}

WHPX_EXPORT HRESULT WHvSetupPartition(WHV_PARTITION_HANDLE) {
  Script& s = script();
  const Lock lock(s.mutex);
  return s.note("WHvSetupPartition");
}

WHPX_EXPORT HRESULT WHvDeletePartition(WHV_PARTITION_HANDLE) {
  Script& s = script();
  const Lock lock(s.mutex);
  --s.partitions;
  return s.note("WHvDeletePartition");
}

WHPX_EXPORT HRESULT WHvGetPartitionProperty(WHV_PARTITION_HANDLE, WHV_PARTITION_PROPERTY_CODE code,
                                            void* buffer, u32 size, u32* written) {
  Script& s = script();
  const Lock lock(s.mutex);
  if (const HRESULT result = s.note("WHvGetPartitionProperty", code); !succeeded(result))
    return result;
  if (code != WHvPartitionPropertyCodeProcessorXsaveFeatures) return kUnknownProperty;
  return fill(buffer, size, written, &s.xsave, sizeof s.xsave);
}

WHPX_EXPORT HRESULT WHvSetPartitionProperty(WHV_PARTITION_HANDLE, WHV_PARTITION_PROPERTY_CODE code,
                                            const void* buffer, u32 size) {
  Script& s = script();
  const Lock lock(s.mutex);
  if (const HRESULT result = s.note("WHvSetPartitionProperty", code); !succeeded(result))
    return result;
  const u8* const bytes = static_cast<const u8*>(buffer);
  s.properties[code].assign(bytes, bytes + size);
  return kOk;
}

WHPX_EXPORT HRESULT WHvSuspendPartitionTime(WHV_PARTITION_HANDLE) {
  Script& s = script();
  const Lock lock(s.mutex);
  return s.note("WHvSuspendPartitionTime");
}

WHPX_EXPORT HRESULT WHvMapGpaRange(WHV_PARTITION_HANDLE, void* source,
                                   WHV_GUEST_PHYSICAL_ADDRESS gpa, u64 size,
                                   WHV_MAP_GPA_RANGE_FLAGS flags) {
  Script& s = script();
  const Lock lock(s.mutex);
  if (const HRESULT result = s.note("WHvMapGpaRange", gpa); !succeeded(result)) return result;
  s.memory[gpa] = {source, size, flags};
  return kOk;
}

WHPX_EXPORT HRESULT WHvUnmapGpaRange(WHV_PARTITION_HANDLE, WHV_GUEST_PHYSICAL_ADDRESS gpa,
                                     u64 size) {
  Script& s = script();
  const Lock lock(s.mutex);
  if (const HRESULT result = s.note("WHvUnmapGpaRange", gpa); !succeeded(result)) return result;
  const auto found = s.memory.find(gpa);
  if (found == s.memory.end() || found->second.size != size) return kGpaRangeNotFound;
  s.memory.erase(found);
  return kOk;
}

// Success, whatever the translation: it found nothing.
WHPX_EXPORT HRESULT WHvTranslateGva(WHV_PARTITION_HANDLE, u32 index, WHV_GUEST_VIRTUAL_ADDRESS,
                                    WHV_TRANSLATE_GVA_FLAGS, WHV_TRANSLATE_GVA_RESULT* outcome,
                                    WHV_GUEST_PHYSICAL_ADDRESS* gpa) {
  const Lock lock(script().mutex);
  *outcome = {.ResultCode = WHvTranslateGvaResultPageNotPresent, .Reserved = 0};
  *gpa = 0;
  return note_processor("WHvTranslateGva", index);
}

WHPX_EXPORT HRESULT WHvCreateVirtualProcessor(WHV_PARTITION_HANDLE, u32 index, u32) {
  Script& s = script();
  const Lock lock(s.mutex);
  if (const HRESULT result = s.note("WHvCreateVirtualProcessor", index); !succeeded(result))
    return result;
  return s.processors.try_emplace(index).second ? kOk : kVpAlreadyExists;
}

WHPX_EXPORT HRESULT WHvDeleteVirtualProcessor(WHV_PARTITION_HANDLE, u32 index) {
  Script& s = script();
  const Lock lock(s.mutex);
  if (const HRESULT result = s.note("WHvDeleteVirtualProcessor", index); !succeeded(result))
    return result;
  return s.processors.erase(index) != 0 ? kOk : kVpDoesNotExist;
}

WHPX_EXPORT HRESULT WHvRunVirtualProcessor(WHV_PARTITION_HANDLE, u32 index, void* exit, u32 size) {
  Script& s = script();
  std::unique_lock lock(s.mutex);
  if (const HRESULT result = note_processor("WHvRunVirtualProcessor", index); !succeeded(result))
    return result;
  if (size < sizeof(WHV_RUN_VP_EXIT_CONTEXT)) return kInsufficientBuffer;
  Processor& processor = s.processors[index];
  ++processor.runs;
  s.changed.notify_all();
  s.changed.wait(lock, [&] { return processor.cancelled || !processor.exits.empty(); });
  WHV_RUN_VP_EXIT_CONTEXT context{};
  if (processor.cancelled) {
    processor.cancelled = false;
    context.ExitReason = WHvRunVpExitReasonCanceled;
  } else {
    context = processor.exits.front();
    processor.exits.pop_front();
    // A window is told of once.
    if (context.ExitReason == WHvRunVpExitReasonX64InterruptWindow)
      processor.registers[WHvX64RegisterDeliverabilityNotifications] = {};
  }
  std::memcpy(exit, &context, sizeof context);
  return kOk;
}

WHPX_EXPORT HRESULT WHvCancelRunVirtualProcessor(WHV_PARTITION_HANDLE, u32 index, u32) {
  Script& s = script();
  const Lock lock(s.mutex);
  const HRESULT result = note_processor("WHvCancelRunVirtualProcessor", index);
  if (!succeeded(result)) return result;
  s.processors[index].cancelled = true;
  s.changed.notify_all();
  return kOk;
}

WHPX_EXPORT HRESULT WHvGetVirtualProcessorRegisters(WHV_PARTITION_HANDLE, u32 index,
                                                    const WHV_REGISTER_NAME* names, u32 count,
                                                    WHV_REGISTER_VALUE* values) {
  Script& s = script();
  const Lock lock(s.mutex);
  const HRESULT result = note_processor("WHvGetVirtualProcessorRegisters", index);
  if (!succeeded(result)) return result;
  for (u32 n = 0; n < count; ++n) {
    if (!is_known(names[n])) return kInvalidVpRegisterName;
    values[n] = s.processors[index].registers[names[n]];
  }
  return kOk;
}

WHPX_EXPORT HRESULT WHvSetVirtualProcessorRegisters(WHV_PARTITION_HANDLE, u32 index,
                                                    const WHV_REGISTER_NAME* names, u32 count,
                                                    const WHV_REGISTER_VALUE* values) {
  Script& s = script();
  const Lock lock(s.mutex);
  const HRESULT result = note_processor("WHvSetVirtualProcessorRegisters", index);
  if (!succeeded(result)) return result;
  for (u32 n = 0; n < count; ++n) {
    if (!is_known(names[n])) return kInvalidVpRegisterName;
    s.processors[index].registers[names[n]] = values[n];
  }
  return kOk;
}

WHPX_EXPORT HRESULT WHvRequestInterrupt(WHV_PARTITION_HANDLE,
                                        const WHV_INTERRUPT_CONTROL* interrupt, u32) {
  Script& s = script();
  const Lock lock(s.mutex);
  if (const HRESULT result = s.note("WHvRequestInterrupt"); !succeeded(result)) return result;
  s.interrupts.push_back(*interrupt);
  return kOk;
}

WHPX_EXPORT HRESULT WHvGetVirtualProcessorInterruptControllerState2(WHV_PARTITION_HANDLE, u32 index,
                                                                    void* state, u32 size,
                                                                    u32* written) {
  Script& s = script();
  const Lock lock(s.mutex);
  const HRESULT result = note_processor("WHvGetVirtualProcessorInterruptControllerState2", index);
  if (!succeeded(result)) return result;
  std::vector<u8> page(4096);
  for (std::size_t n = 0; n < 256; ++n)
    std::memcpy(&page[16 * n], &s.processors[index].apic[n], sizeof(u32));
  return fill(state, size, written, page.data(), static_cast<u32>(page.size()));
}

WHPX_EXPORT HRESULT WHvSetVirtualProcessorInterruptControllerState2(WHV_PARTITION_HANDLE, u32 index,
                                                                    const void* state, u32 size) {
  Script& s = script();
  const Lock lock(s.mutex);
  const HRESULT result = note_processor("WHvSetVirtualProcessorInterruptControllerState2", index);
  if (!succeeded(result)) return result;
  if (size < 4096) return kInsufficientBuffer;
  for (std::size_t n = 0; n < 256; ++n)
    std::memcpy(&s.processors[index].apic[n], static_cast<const u8*>(state) + 16 * n, sizeof(u32));
  return kOk;
}
