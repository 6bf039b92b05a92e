// SPDX-License-Identifier: MIT
// Tells KVM which guest memory is RAM or ROM, and asks it which of that the guest wrote.
// [Linux Documentation/virt/kvm/api.rst "KVM_SET_USER_MEMORY_REGION", "KVM_GET_DIRTY_LOG"]
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
  bool keeps_dirty_log() const override { return true; }
  void dirty_log_started(const FlatRange& range) override { set_log(range, true); }
  void dirty_log_stopped(const FlatRange& range) override { set_log(range, false); }
  void collect_dirty(const FlatRange& range) override;

  std::size_t count() const { return slots_.size(); }

 private:
  void set(u32 slot, const FlatRange& range, u64 size, bool log) const;
  void set_log(const FlatRange& range, bool on) const;

  const Descriptor& vm_;
  u32 limit_;
  bool has_readonly_;
  std::map<u64, u32> slots_;  // by guest address
  std::vector<u32> free_;
};

}  // namespace backplane::kvm
