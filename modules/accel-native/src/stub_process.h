// SPDX-License-Identifier: MIT
// One stub: its two tasks, what they share with the emulator, and how they are told what to do.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "../stub/setup.h"
#include "backplane/types.h"

namespace backplane::native {

// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();
  int get() const { return number_; }

 private:
  int number_ = -1;
};

// All on the vCPU's thread, with which the stub ends.
class StubProcess {
 public:
  // Starts one whose area is at `area`, a multiple of 2 MiB, and whose mapper has the RAM's file.
  // RDTSC traps there, which makes each hand-over cost more, or answers for the host. Throws Error.
  StubProcess(u64 area, int ram, bool traps_rdtsc);
  // Ends its tasks; guest code does not run when this returns.
  ~StubProcess();
  StubProcess(const StubProcess&) = delete;
  StubProcess& operator=(const StubProcess&) = delete;

  u64 area() const { return area_; }
  // Of the emulator's mapping: where the area's `offset`, STUB_SHARED or more, is.
  u8* shared(u64 offset) const { return shared_ + (offset - STUB_SHARED); }

  // What the task that ran the guest has said when it handed over. Guest code may say it too, and
  // anything.
  struct HandOver {
    int signal = 0;
    u64 frame = 0;  // address of the frame in the stub
    u64 fs_base = 0, gs_base = 0;
    u16 ds = 0, es = 0, fs = 0, gs = 0;
  };
  // The first one, before any guest code.
  const HandOver& first() const { return first_; }
  enum class Waited { HandedOver, TimedOut, Lost };
  // Waits for it to hand over. While it has, it does not run.
  Waited wait(HandOver& result, std::chrono::milliseconds most);
  // Lets it go on. False: it is lost.
  bool go_on();

  // Has the mapper carry out orders. False: not all could be, or the stub is lost.
  bool carry_out(std::span<const StubOrder> orders);

  // What pidfd_send_signal() takes: the task that runs the guest.
  int guest_pidfd() const { return guest_.get(); }
  // CPU time of that task in nanoseconds, so far.
  u64 guest_cpu_time() const { return cpu_time(guest_pid_, guest_time_); }
  // Of that, and of the mapper's, what came since this was last asked.
  u64 take_guest_time() {
    const u64 now = guest_cpu_time();
    return now - std::exchange(guest_time_, now);
  }
  u64 take_mapper_time() {
    const u64 now = cpu_time(mapper_, mapper_time_);
    return now - std::exchange(mapper_time_, now);
  }
  // Ends both tasks, at once.
  void kill();

 private:
  void start(int ram, bool traps_rdtsc);
  bool mapper_is_done();
  // Of a task; `unknown` if the host does not say.
  static u64 cpu_time(pid_t task, u64 unknown);

  const u64 area_;
  u8* shared_ = nullptr;
  Descriptor shared_file_, listener_, order_, done_, guest_;
  pid_t mapper_ = -1;
  pid_t guest_pid_ = -1;
  u64 guest_time_ = 0, mapper_time_ = 0;
  u64 notification_ = 0;  // that waits for an answer
  HandOver first_;
  bool lost_ = false;
};

}  // namespace backplane::native
