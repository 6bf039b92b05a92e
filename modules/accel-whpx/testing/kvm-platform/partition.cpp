// SPDX-License-Identifier: MIT
// [Linux Documentation/virt/kvm/api.rst "System ioctls", "VM ioctls"]
#include "partition.h"

#include <fcntl.h>

#include <cstring>

#include "requests.h"

namespace kvm_platform {
namespace {

// Below the firmware, as the documentation proposes.
constexpr u64 kTssAddress = 0xfeffd000, kIdentityMapAddress = 0xfeffc000;
constexpr u32 kApicBaseMsr = 0x1b, kTscDeadlineMsr = 0x6e0;
constexpr u64 kPageMask = 0xfff;
constexpr u64 kDebugException = 1 << 1;
constexpr std::size_t kReportedMessages = 24;  // as inputs of an I/O APIC

template <class T>
HRESULT take(T& value, const void* buffer, u32 size) {
  if (size < sizeof value) return kInvalidArgument;
  std::memcpy(&value, buffer, sizeof value);
  return kOk;
}

}  // namespace

WHV_EXTENDED_VM_EXITS offered_exits() {
  WHV_EXTENDED_VM_EXITS exits{};
  exits.X64MsrExit = 1;
  exits.ExceptionExit = 1;
  return exits;
}

Partition::Partition()
    : device_(open("/dev/kvm", O_RDWR | O_CLOEXEC)), vm_(device_.call(KVM_CREATE_VM, 0L)) {
  u64 identity_map = kIdentityMapAddress;
  vm_.attempt(KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
  vm_.attempt(KVM_SET_TSS_ADDR, kTssAddress);
}

HRESULT Partition::set_property(WHV_PARTITION_PROPERTY_CODE code, const void* buffer, u32 size) {
  // That one may be changed at any time.
  if (is_set_up_ && code != WHvPartitionPropertyCodeExceptionExitBitmap)
    return kInvalidPartitionConfig;
  switch (code) {
    case WHvPartitionPropertyCodeProcessorCount:
      return take(processor_count_, buffer, size);
    case WHvPartitionPropertyCodeExtendedVmExits: {
      WHV_EXTENDED_VM_EXITS wanted{};
      if (const HRESULT result = take(wanted, buffer, size); !succeeded(result)) return result;
      if ((wanted.AsUINT64 & ~offered_exits().AsUINT64) != 0) return kInvalidArgument;
      exits_ = wanted;
      return kOk;
    }
    case WHvPartitionPropertyCodeLocalApicEmulationMode:
      return take(apics_, buffer, size);
    case WHvPartitionPropertyCodeX64MsrExitBitmap:
      return take(msr_exits_, buffer, size);
    case WHvPartitionPropertyCodeExceptionExitBitmap: {
      u64 bitmap = 0;
      if (const HRESULT result = take(bitmap, buffer, size); !succeeded(result)) return result;
      if ((bitmap & ~kDebugException) != 0) return kInvalidArgument;
      exception_exits_.store(bitmap);
      return kOk;
    }
    case WHvPartitionPropertyCodeCpuidResultList: {
      if (size % sizeof(WHV_X64_CPUID_RESULT) != 0) return kInvalidArgument;
      cpuid_results_.resize(size / sizeof(WHV_X64_CPUID_RESULT));
      std::memcpy(cpuid_results_.data(), buffer, size);
      return kOk;
    }
    default:
      return kUnknownProperty;
  }
}

HRESULT Partition::get_property(WHV_PARTITION_PROPERTY_CODE code, void* buffer, u32 size,
                                u32* written) {
  if (code != WHvPartitionPropertyCodeProcessorXsaveFeatures) return kUnknownProperty;
  WHV_PROCESSOR_XSAVE_FEATURES features{};
  features.XsaveSupport = device_.attempt(KVM_CHECK_EXTENSION, KVM_CAP_XCRS) > 0 ? 1 : 0;
  if (size < sizeof features) return kInsufficientBuffer;
  std::memcpy(buffer, &features, sizeof features);
  if (written != nullptr) *written = sizeof features;
  return kOk;
}

HRESULT Partition::set_up() {
  if (processor_count_ == 0) return kInvalidPartitionConfig;
  if (has_local_apics()) {
    kvm_enable_cap split{};
    split.cap = KVM_CAP_SPLIT_IRQCHIP;
    split.args[0] = kReportedMessages;
    vm_.call(KVM_ENABLE_CAP, &split);
  }
  if (exits_.X64MsrExit != 0) ask_for_msr_exits();
  processors_.resize(processor_count_);
  is_set_up_ = true;
  return kOk;
}

void Partition::ask_for_msr_exits() {
  kvm_enable_cap enable{};
  enable.cap = KVM_CAP_X86_USER_SPACE_MSR;
  enable.args[0] =
      KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER;
  vm_.call(KVM_ENABLE_CAP, &enable);
  if (has_local_apics()) return;
  static u8 exits = 0;  // a clear bit
  kvm_msr_filter filter{};
  filter.flags = KVM_MSR_FILTER_DEFAULT_ALLOW;
  // Without a local APIC there is no deadline.
  filter.ranges[0] = {.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
                      .nmsrs = 1,
                      .base = kTscDeadlineMsr,
                      .bitmap = &exits};
  if (msr_exits_.ApicBaseMsrWrite != 0)
    filter.ranges[1] = {
        .flags = KVM_MSR_FILTER_WRITE, .nmsrs = 1, .base = kApicBaseMsr, .bitmap = &exits};
  vm_.call(KVM_X86_SET_MSR_FILTER, &filter);
}

void Partition::set_slot(u32 slot, void* source, u64 gpa, u64 size, u32 flags) const {
  kvm_userspace_memory_region region{};
  region.slot = slot;
  region.flags = (flags & WHvMapGpaRangeFlagWrite) != 0 ? 0 : KVM_MEM_READONLY;
  region.guest_phys_addr = gpa;
  region.memory_size = size;
  region.userspace_addr = reinterpret_cast<u64>(source);
  vm_.call(KVM_SET_USER_MEMORY_REGION, &region);
}

// A range that is mapped again in the same place and size is replaced; any other overlap is not
// something that these tests need.
HRESULT Partition::map(void* source, u64 gpa, u64 size, u32 flags) {
  if (!is_set_up_) return kInvalidPartitionConfig;
  if (((gpa | size | reinterpret_cast<u64>(source)) & kPageMask) != 0) return kInvalidArgument;
  const std::lock_guard lock(mutex_);
  auto found = mappings_.find(gpa);
  if (found == mappings_.end()) {
    u32 slot = static_cast<u32>(mappings_.size() + free_slots_.size());
    if (!free_slots_.empty()) {
      slot = free_slots_.back();
      free_slots_.pop_back();
    }
    found = mappings_.emplace(gpa, Mapping{slot, 0}).first;
  } else {
    set_slot(found->second.slot, source, gpa, 0, flags);
  }
  set_slot(found->second.slot, source, gpa, size, flags);
  found->second.size = size;
  return kOk;
}

HRESULT Partition::unmap(u64 gpa, u64 size) {
  const std::lock_guard lock(mutex_);
  const auto found = mappings_.find(gpa);
  if (found == mappings_.end() || found->second.size != size) return kGpaRangeNotFound;
  set_slot(found->second.slot, nullptr, gpa, 0, WHvMapGpaRangeFlagWrite);
  free_slots_.push_back(found->second.slot);
  mappings_.erase(found);
  return kOk;
}

// [SDM 3A "Message Address Register Format", "Message Data Register Format"]
void Partition::request_interrupt(const WHV_INTERRUPT_CONTROL& control) {
  constexpr u64 kMessages = 0xfee00000;
  kvm_msi message{};
  message.address_lo = static_cast<u32>(kMessages | u64{control.Destination & 0xff} << 12 |
                                        (control.DestinationMode != 0 ? 4 : 0));
  message.data = control.Vector | static_cast<u32>(control.Type << 8) |
                 (control.TriggerMode != 0 ? 0xc000 : 0);
  if (control.TriggerMode != 0) report_end_of(message.address_lo, message.data);
  vm_.attempt(KVM_SIGNAL_MSI, &message);
}

// KVM tells the end of those messages that an I/O APIC outside of it may send: it is told of each
// as of an input's.
void Partition::report_end_of(u64 address, u32 data) {
  const std::lock_guard lock(mutex_);
  for (const kvm_irq_routing_entry& entry : reported_)
    if (entry.u.msi.address_lo == address && entry.u.msi.data == data) return;
  if (reported_.size() == kReportedMessages) reported_.erase(reported_.begin());
  kvm_irq_routing_entry& added = reported_.emplace_back();
  added.type = KVM_IRQ_ROUTING_MSI;
  added.u.msi.address_lo = static_cast<u32>(address);
  added.u.msi.data = data;
  struct {
    CountedList header{};
    kvm_irq_routing_entry entries[kReportedMessages];
  } routing;
  routing.header.count = static_cast<u32>(reported_.size());
  for (u32 n = 0; n < routing.header.count; ++n) {
    reported_[n].gsi = n;
    routing.entries[n] = reported_[n];
  }
  vm_.call(kSetGsiRouting, &routing);
}

HRESULT Partition::create_processor(u32 index) {
  const std::lock_guard lock(mutex_);
  if (index >= processors_.size()) return kInvalidArgument;
  if (processors_[index] != nullptr) return kVpAlreadyExists;
  processors_[index] = std::make_unique<Processor>(*this, index);
  return kOk;
}

HRESULT Partition::delete_processor(u32 index) {
  const std::lock_guard lock(mutex_);
  if (index >= processors_.size() || processors_[index] == nullptr) return kVpDoesNotExist;
  processors_[index].reset();
  return kOk;
}

Processor* Partition::processor(u32 index) {
  return index < processors_.size() ? processors_[index].get() : nullptr;
}

}  // namespace kvm_platform
