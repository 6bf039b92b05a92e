// SPDX-License-Identifier: MIT
// The native tier: runs ring 3 of a 64-bit guest by the host's processor itself, where it can. An
// interface, implemented by a module that may be absent.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backplane/kind.h"
#include "backplane/object.h"
#include "backplane/x86/cpu.h"
#include "native/invalidations.h"

namespace backplane::tcg {

using x86::X86Cpu;

inline constexpr Kind kNativeTierKind{.base = "native-tier",
                                      .prefix = "",
                                      .suffix = "-native-tier",
                                      .noun = "native tier",
                                      .option = "-accel tcg,native"};

// One vCPU's part. On the vCPU's thread, but for what says otherwise.
class NativeVcpu {
 public:
  virtual ~NativeVcpu() = default;

  // Whether ring 3 of that address space is to be run by run(), where its registers are such as it
  // wants. Uses general registers only.
  bool wants(u64 cr3) const {
    if (wants_all_) return true;
    for (unsigned n = 0; n < wanted_count_; ++n)
      if (wanted_[n] == (cr3 & Invalidations::kTableMask)) return true;
    return false;
  }
  // To be told of what the CPU's observer is, when that happens.
  Invalidations invalidations;

  enum class Left {
    Interrupted,  // exit_request is set
    Instruction,  // the instruction at RIP, or the event in front of it, is for the caller
    Page,         // what is in the page of RIP is
    Unfit,        // the registers are not such as can be run
  };
  // Runs ring 3 of the current address space from X86State, where the state is again when it
  // returns. The caller counts as running translated code, and so answers for kick().
  virtual Left run(const std::atomic<u32>& exit_request) = 0;
  // An interrupt came to ring 3; so often the kernel was entered in other ways since the CPU began.
  virtual void note_interrupt(u64 kernel_entries) = 0;
  // Has run() return soon, exit_request being set. Any thread.
  virtual void kick() = 0;
  // A page of RAM is one with translated code from now on. Any thread; of what it has mapped for
  // writing run() is left, or looks, before it goes on.
  virtual void code_marked(const RamBlock& ram, u64 offset) = 0;
  // The page with translated code at that host address (null: each of them) is written to, or is
  // one no more, and so writes to it are not told of. Any thread; who executes it natively does not
  // go on with what was known of it.
  virtual void code_changed(const u8* host_page) = 0;

  struct Counters {
    u64 stubs = 0;        // started
    u64 lost = 0;         // of these: ended by a kick that was not answered, or by themselves
    u64 entries = 0;      // of guest code
    u64 kicks = 0;        // answered
    u64 faults = 0;       // served by mapping pages
    u64 pages = 0;        // mapped then
    u64 validations = 0;  // of all of a space's pages
    u64 promoted = 0;     // address spaces
    u64 rests = 0;        // of these, translated for a while
    u64 banned = 0;       // pages found not to be executed natively
    u64 live_stubs = 0;   // now
    Counters& operator+=(const Counters& other);
  };
  // Any thread: what it says may be a moment old.
  virtual const Counters& counters() const = 0;

 protected:
  static constexpr unsigned kMostWanted = 8;
  u64 wanted_[kMostWanted] = {};
  unsigned wanted_count_ = 0;
  bool wants_all_ = false;
};

// The tier of a machine.
class NativeTier : public Object {
  BACKPLANE_OBJECT(NativeTier, Object, "native-tier")
 public:
  static void class_init(ObjectClass&) {}

  // Why it cannot run guests on this host, found by trying to, or nullopt if it can. Takes a
  // millisecond.
  virtual std::optional<std::string> unusable_reason() const = 0;
  // The same of a CPU.
  virtual std::optional<std::string> unusable_reason(const X86Cpu& cpu) const = 0;

  struct Options {
    // Compares what is mapped with the page tables at each entry, and ends the program if it is not
    // what they say.
    bool check = false;
    // Runs every address space natively, worth it or not.
    bool eager = false;
    // Forgets the translations of a page of guest code, that is to be written to.
    std::function<void(const u8* host_page)> forget_code;
    // Where pages are that the translator has used in ring 3 of the current address space.
    std::function<std::vector<u64>()> pages_in_use;
  };
  // Throws Error.
  virtual std::unique_ptr<NativeVcpu> create_vcpu(X86Cpu& cpu, AddressSpace& memory,
                                                  const Options& options) = 0;
};

}  // namespace backplane::tcg
