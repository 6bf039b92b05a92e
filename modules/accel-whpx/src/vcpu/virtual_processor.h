// SPDX-License-Identifier: MIT
// One virtual processor of a partition, and calls on it.
#pragma once

#include <array>
#include <vector>

#include "partition/partition.h"

namespace backplane::whpx {

// Registers to be set in one call.
class RegisterBatch {
 public:
  WHV_REGISTER_VALUE& add(WHV_REGISTER_NAME name) {
    names_.push_back(name);
    return values_.emplace_back();
  }
  void add(WHV_REGISTER_NAME name, u64 value) { add(name).Reg64 = value; }
  bool empty() const { return names_.empty(); }
  void clear() {
    names_.clear();
    values_.clear();
  }
  const std::vector<WHV_REGISTER_NAME>& names() const { return names_; }
  const std::vector<WHV_REGISTER_VALUE>& values() const { return values_; }

 private:
  std::vector<WHV_REGISTER_NAME> names_;
  std::vector<WHV_REGISTER_VALUE> values_;
};

class VirtualProcessor {
 public:
  // Creates it. Throws Error. `partition` outlives it.
  VirtualProcessor(const Partition& partition, u32 index);
  ~VirtualProcessor();
  VirtualProcessor(const VirtualProcessor&) = delete;
  VirtualProcessor& operator=(const VirtualProcessor&) = delete;

  // Runs guest code until an exit. One thread at a time. Throws Error.
  void run(WHV_RUN_VP_EXIT_CONTEXT& exit) const;
  // Ends the run that goes on, or else the next one. Any thread.
  void cancel() const;

  HRESULT try_get(const WHV_REGISTER_NAME* names, u32 count, WHV_REGISTER_VALUE* values) const;
  HRESULT try_set(const WHV_REGISTER_NAME* names, u32 count,
                  const WHV_REGISTER_VALUE* values) const;
  HRESULT translate(WHV_GUEST_VIRTUAL_ADDRESS gva, WHV_TRANSLATE_GVA_FLAGS flags,
                    WHV_TRANSLATE_GVA_RESULT_CODE& result, WHV_GUEST_PHYSICAL_ADDRESS& gpa) const;

  // The value of each name. These throw Error.
  std::vector<WHV_REGISTER_VALUE> get(const std::vector<WHV_REGISTER_NAME>& names) const;
  WHV_REGISTER_VALUE get(WHV_REGISTER_NAME name) const;
  void set(const RegisterBatch& batch) const;
  void set(WHV_REGISTER_NAME name, u64 value) const;
  // The registers of its local APIC, where the platform has that. These throw Error.
  void get_local_apic(void* page, u32 size) const;
  void set_local_apic(const void* page, u32 size) const;
  // Whether the platform knows a register.
  bool has(WHV_REGISTER_NAME name) const;

  const Partition& partition() const { return partition_; }

 private:
  const Dispatch& dispatch() const { return partition_.dispatch(); }

  const Partition& partition_;
  u32 index_;
};

}  // namespace backplane::whpx
