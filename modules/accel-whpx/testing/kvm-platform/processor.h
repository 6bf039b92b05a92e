// SPDX-License-Identifier: MIT
// A virtual processor: a KVM vCPU whose registers stay in the page that it shares with the kernel.
#pragma once

#include <linux/kvm.h>
#include <pthread.h>

#include <atomic>

#include "api/exits.h"
#include "descriptor.h"

namespace kvm_platform {

using namespace backplane;
using namespace backplane::whpx;

class Partition;

class Processor {
 public:
  Processor(const Partition& partition, u32 index);
  ~Processor();
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;

  void run(WHV_RUN_VP_EXIT_CONTEXT& exit);
  // The one that left the guest on this thread last: whose access is to be completed.
  static Processor* of_this_thread();
  void cancel();

  // False: no such register.
  bool get(WHV_REGISTER_NAME name, WHV_REGISTER_VALUE& value);
  bool set(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& value);
  bool translate(u64 gva, u64& gpa) const;
  // The local APIC's registers, in the first KiB of a page.
  void get_local_apic(void* page) const { fd_.call(KVM_GET_LAPIC, page); }
  void set_local_apic(const void* page);

  kvm_run& page() { return *run_; }
  // The instruction that left the guest is one that KVM cannot execute.
  bool has_unknown_instruction() const { return unknown_instruction_; }
  // Lets KVM finish the instruction whose access was answered in the page. True if it has another
  // access.
  bool resume_access();

 private:
  void enter();
  void choose_debug_exits();
  bool window_is_open() const;
  bool takes_nmis() const;
  void describe(WHV_RUN_VP_EXIT_CONTEXT& exit);
  void describe_msr(WHV_RUN_VP_EXIT_CONTEXT& exit, bool write);
  void fill_context(WHV_VP_EXIT_CONTEXT& context) const;
  void mark_dirty(u64 what) { run_->kvm_dirty_regs |= what; }

  bool get_shared(WHV_REGISTER_NAME name, WHV_REGISTER_VALUE& value) const;
  bool set_shared(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& value);
  bool get_event(WHV_REGISTER_NAME name, WHV_REGISTER_VALUE& value) const;
  bool set_event(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& value);
  bool get_fpu(WHV_REGISTER_NAME name, WHV_REGISTER_VALUE& value) const;
  bool set_fpu(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& value);
  bool get_other(WHV_REGISTER_NAME name, WHV_REGISTER_VALUE& value) const;
  bool set_other(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& value);
  bool access_msr(u32 index, u64& value, bool write) const;
  bool access_debug(WHV_REGISTER_NAME name, u64& value, bool write) const;
  bool access_xcr0(u64& value, bool write) const;

  const Partition& partition_;
  std::size_t run_size_;
  Descriptor fd_;
  kvm_run* run_ = nullptr;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> has_thread_{false};
  pthread_t thread_{};
  bool unknown_instruction_ = false;
  bool nmi_window_wanted_ = false;
  bool debug_exits_ = false;  // KVM was told of them, with the registers that there were
  bool debug_registers_changed_ = false;
};

}  // namespace kvm_platform
