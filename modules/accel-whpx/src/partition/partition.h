// SPDX-License-Identifier: MIT
// A partition: what the platform calls a virtual machine.
#pragma once

#include <functional>
#include <vector>

#include "backplane/property.h"
#include "dispatch/dispatch.h"

namespace backplane::whpx {

// What it is set up with.
struct PartitionOptions {
  u32 processors = 1;
  // Local APICs of the platform: if it has them, never, or else it is an error.
  OnOffAuto platform_apics = OnOffAuto::Off;
  // The CPU model's CPUID: asked for where the platform cannot ask when the guest does.
  std::function<std::vector<WHV_X64_CPUID_RESULT>(bool platform_apic)> cpuid;
};

// Throws Error ("No space left on device") if there is no hypervisor to run partitions.
void require_hypervisor(const Dispatch& dispatch);

class Partition {
 public:
  // Sets it up, as far as mapping memory and making processors. Throws Error, and leaves no
  // partition behind then. `dispatch` outlives it.
  Partition(const Dispatch& dispatch, const PartitionOptions& options);

  const Dispatch& dispatch() const { return dispatch_; }
  WHV_PARTITION_HANDLE handle() const { return handle_.get(); }
  bool has_platform_apics() const { return has_platform_apics_; }
  bool has_xsave() const { return has_xsave_; }
  // Exceptions can exit.
  bool has_exception_exits() const { return exits_.ExceptionExit != 0; }
  // Those that do from now on, by their vectors' bits; none at first. While no processor runs.
  // Throws Error.
  void set_exception_exits(u64 vectors) const;
  // CPUID exits, rather than the results given to it.
  bool asks_for_cpuid() const { return exits_.X64CpuidExit != 0; }

 private:
  // Creates and deletes.
  class Handle {
   public:
    explicit Handle(const Dispatch& dispatch);
    ~Handle();
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    WHV_PARTITION_HANDLE get() const { return handle_; }

   private:
    const Dispatch& dispatch_;
    WHV_PARTITION_HANDLE handle_ = nullptr;
  };

  void find_xsave();
  void choose_apics(OnOffAuto wanted);
  void choose_exits();
  void choose_cpuid(const PartitionOptions& options);
  template <class T>
  HRESULT set(WHV_PARTITION_PROPERTY_CODE code, const T& value) const;

  const Dispatch& dispatch_;
  WHV_CAPABILITY_FEATURES features_;
  Handle handle_;
  WHV_EXTENDED_VM_EXITS exits_{};
  bool has_platform_apics_ = false;
  bool has_xsave_ = false;
};

}  // namespace backplane::whpx
