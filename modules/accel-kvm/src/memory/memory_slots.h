// SPDX-License-Identifier: MIT
// Tells KVM which guest memory is RAM or ROM. [Linux Documentation/virt/kvm/api.rst
// "KVM_SET_USER_MEMORY_REGION"]
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "backplane/memory.h"
#include "kernel/system.h"

namespace backplane::kvm {

// Everything under the machine lock. What is no slot is an MMIO exit, also for the moment in which
// a slot is replaced: the address space then answers it.
class MemorySlots final : public MemoryListener {
 public:
  MemorySlots(const Descriptor& vm, const System& system);

  void region_removed(const FlatRange& range) override;
  void region_added(const FlatRange& range) override;

  std::size_t count() const { return slots_.size(); }

 private:
  void set(u32 slot, const FlatRange& range, u64 size) const;

  const Descriptor& vm_;
  u32 limit_;
  bool has_readonly_;
  std::map<u64, u32> slots_;  // by guest address
  std::vector<u32> free_;
};

}  // namespace backplane::kvm
