// SPDX-License-Identifier: MIT
// The native tier of one vCPU: its stubs, and the way into and out of them.
#pragma once

#include <mutex>
#include <vector>

#include "policy.h"
#include "space.h"

namespace backplane::native {

class StubVcpu final : public tcg::NativeVcpu {
 public:
  StubVcpu(X86Cpu& cpu, AddressSpace& memory, RamBlock& ram,
           const tcg::NativeTier::Options& options);

  Left run(const std::atomic<u32>& exit_request) override;
  void note_interrupt(u64 kernel_entries) override;
  void kick() override;
  void code_marked(const RamBlock& ram, u64 offset) override;
  void code_changed(const u8* host_page) override;
  const Counters& counters() const override { return guest_.counters; }
  // Where the stub that was used last is; 0 if there is none. For tests, that attack it.
  u64 area_of_current_space() const { return spaces_.empty() ? 0 : spaces_.back()->stub().area(); }

 private:
  // What there is to be done about a hand-over.
  enum class Next { GoOn, Leave, LeavePage, Discard };
  // The current address space's, made if there is none; null if none can be.
  Space* current_space();
  void discard(u64 cr3);
  void want(u64 cr3, bool wanted);
  void note_narrow_tick(u64 kernel_entries);
  GuestPage page_of_code();  // of RIP
  bool uses_banned_code();
  // The space cannot be run natively for now.
  void give_up(u64 cr3);
  void take_invalidations();
  Left stay(Space& space, const std::atomic<u32>& exit_request);
  // Runs guest code until it hands over.
  StubProcess::Waited enter(Space& space, const std::atomic<u32>& exit_request,
                            StubProcess::HandOver& result);
  Next answer(Space& space, const StubProcess::HandOver& from);
  void note_left_page(Space& space);
  bool may_be_served(const Fault& fault);
  void load_segments(const StubProcess::HandOver& from);
  // RIP is behind an instruction that is to be executed again.
  void step_back(const Trap& trap);
  u8 guest_byte(u64 linear);

  GuestMemory guest_;
  const bool check_;
  Policy policy_;
  const std::function<std::vector<u64>()> pages_in_use_;
  u64 to_be_filled_ = 0;  // CR3 of the space that is to be run natively after a rest
  const std::size_t most_stubs_;
  // Stubs that could not be started; after so many none is tried.
  static constexpr unsigned kMostFailures = 5;
  unsigned failures_ = 0;
  std::vector<u64> rdtsc_spaces_;  // CR3 of those in whose stubs RDTSC is to trap
  // The one used last is the last.
  std::vector<std::unique_ptr<Space>> spaces_;
  bool entered_kernel_ = false;  // the guest's is what the last stay ended for
  bool is_outdated_ = false;     // the stub in use is, and another one is to be made
  u64 fault_at_ = 0;             // RIP of the last fault
  unsigned faults_here_ = 0;     // that came there one after the other
  // The task to be kicked while guest code runs, or -1.
  std::atomic<int> running_{-1};
  std::atomic<bool> active_{false};        // there is, or was, a stub
  std::atomic<bool> code_changed_{false};  // of what may be executed
  std::mutex marks_lock_;
  std::vector<u64> marks_;  // pages with code, not looked at yet; guarded by marks_lock_
};

}  // namespace backplane::native
