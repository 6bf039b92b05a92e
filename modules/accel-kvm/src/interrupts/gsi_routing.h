// SPDX-License-Identifier: MIT
// What each of the kernel's interrupt numbers (GSIs) stands for: an input of one of its chips, or a
// message to the local APICs. [Linux Documentation/virt/kvm/api.rst "KVM_SET_GSI_ROUTING"]
#pragma once

#include <linux/kvm.h>

#include <map>
#include <vector>

#include "backplane/x86/apic.h"
#include "kernel/descriptor.h"

namespace backplane::kvm {

// Machine lock.
class GsiRouting {
 public:
  // GSIs below `first_free` have a fixed meaning, given by add_chip_input() and set_message();
  // allocate() gives out those from there on.
  // There are no more than `limit`.
  GsiRouting(const Descriptor& vm, u32 first_free, u32 limit);

  // Which chip (KVM_IRQCHIP_PIC_MASTER, ...) and input a GSI drives, beside what else it drives.
  void add_chip_input(u32 gsi, u32 chip, u32 input);
  void set_message(u32 gsi, const x86::MsiWrite& message);
  void clear(u32 gsi);
  // Tells the kernel. Throws Error.
  void commit();
  // What it is told. Where several GSIs drive one input, the kernel takes the last of them for the
  // one whose interrupt has ended: the lowest, which its own 8254 waits for.
  std::vector<kvm_irq_routing_entry> table() const;

  // A GSI that nobody uses; throws Error if there is none left.
  u32 allocate();
  void release(u32 gsi);

 private:
  const Descriptor& vm_;
  u32 first_free_;
  u32 limit_;
  std::multimap<u32, kvm_irq_routing_entry> entries_;  // by GSI
  std::vector<u32> released_;
  u32 next_;
};

}  // namespace backplane::kvm
