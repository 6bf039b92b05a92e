// SPDX-License-Identifier: MIT
// A partition: a KVM virtual machine.
#pragma once

#include <linux/kvm.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "api/functions.h"
#include "processor.h"

namespace kvm_platform {

class Partition {
 public:
  // Throws Failure without a usable /dev/kvm.
  Partition();

  HRESULT set_property(WHV_PARTITION_PROPERTY_CODE code, const void* buffer, u32 size);
  HRESULT get_property(WHV_PARTITION_PROPERTY_CODE code, void* buffer, u32 size, u32* written);
  HRESULT set_up();
  HRESULT map(void* source, u64 gpa, u64 size, u32 flags);
  HRESULT unmap(u64 gpa, u64 size);
  HRESULT create_processor(u32 index);
  HRESULT delete_processor(u32 index);
  // Null if there is none.
  Processor* processor(u32 index);

  void request_interrupt(const WHV_INTERRUPT_CONTROL& control);

  bool has_local_apics() const { return apics_ != WHvX64LocalApicEmulationModeNone; }
  // Whether #DB leaves the guest.
  bool has_debug_exits() const { return exception_exits_.load() != 0; }
  const Descriptor& device() const { return device_; }
  const Descriptor& vm() const { return vm_; }
  const std::vector<WHV_X64_CPUID_RESULT>& cpuid_results() const { return cpuid_results_; }

 private:
  struct Mapping {
    u32 slot;
    u64 size;
  };
  void ask_for_msr_exits();
  void report_end_of(u64 address, u32 data);
  void set_slot(u32 slot, void* source, u64 gpa, u64 size, u32 flags) const;

  Descriptor device_;
  Descriptor vm_;
  bool is_set_up_ = false;
  u32 processor_count_ = 0;
  WHV_X64_LOCAL_APIC_EMULATION_MODE apics_ = WHvX64LocalApicEmulationModeNone;
  WHV_EXTENDED_VM_EXITS exits_{};
  WHV_X64_MSR_EXIT_BITMAP msr_exits_{};
  std::atomic<u64> exception_exits_{0};
  std::vector<WHV_X64_CPUID_RESULT> cpuid_results_;
  std::mutex mutex_;  // guards what follows
  std::map<u64, Mapping> mappings_;
  std::vector<u32> free_slots_;
  std::vector<kvm_irq_routing_entry> reported_;  // messages whose end is an exit
  std::vector<std::unique_ptr<Processor>> processors_;
};

// What can be offered: no CPUID exits, and of exceptions #DB alone.
WHV_EXTENDED_VM_EXITS offered_exits();

}  // namespace kvm_platform
