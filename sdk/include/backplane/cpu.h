// SPDX-License-Identifier: MIT
// A guest CPU as the frame sees it, and the accelerator's side of one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backplane/debug.h"
#include "backplane/device.h"
#include "backplane/room.h"

namespace backplane {

class RunControl;
class Vcpu;
class VcpuThread;

struct CpuClass : DeviceClass {
  CpuClass() = default;
  explicit CpuClass(const DeviceClass& parent) : DeviceClass(parent) {}
  Room<4> room;
};

// Architecture-neutral part. The architecture's class (X86Cpu) derives from it.
class Cpu : public Device {
  BACKPLANE_OBJECT(Cpu, Device, "cpu")
 public:
  using Class = CpuClass;
  static void class_init(CpuClass& k);
  Cpu();
  ~Cpu() override;

  // Back to no pending requests and not halted; overrides call it.
  void reset() override;
  void saving() override;
  void loaded() override;

  unsigned index() const { return index_; }
  void set_index(unsigned index) { index_ = index; }

  // Pending requests; bits are the architecture's. Any thread: sets bits, then kicks. A raise()
  // is never lost: one that comes while the vCPU is on its way to sleep keeps it awake.
  void raise(u32 bits);
  void clear(u32 bits) { interrupt_request_.fetch_and(~bits); }
  u32 interrupt_request() const { return interrupt_request_.load(std::memory_order_acquire); }

  // True while the CPU waits for an interrupt (HLT) or for INIT/SIPI. Owned by the vCPU thread,
  // readable by any.
  bool halted() const { return halted_.load(std::memory_order_acquire); }
  void set_halted(bool halted) { halted_.store(halted, std::memory_order_release); }

  // True if a halted CPU has something to wake up for. Any thread, with the machine lock or not.
  virtual bool has_work() const = 0;

  // A debugger has it stand still while the machine runs. Machine lock; the machine stands still.
  bool held() const { return held_.load(std::memory_order_relaxed); }
  void set_held(bool held) { held_.store(held, std::memory_order_relaxed); }
  // How a debugger sees it; null if the architecture does not say.
  virtual std::unique_ptr<DebugTarget> debug_target() { return nullptr; }

  // Makes the vCPU leave guest code soon, and wakes it if it sleeps. Any thread.
  void kick();
  // Runs fn on the vCPU's thread outside guest code, with the machine lock held, and waits for it.
  // Called with the machine lock held (given up meanwhile); on the vCPU's thread, or if the CPU has
  // none, runs it at once. While a vCPU's thread waits here, it does what others ask of it.
  void run_on_thread(const std::function<void()>& fn);
  // The same without waiting. Any thread. Without a vCPU thread, runs it at once.
  void run_on_thread_later(std::function<void()> fn);

  // The host's id of its vCPU's thread, as the host's tools show it; 0 before that has started. Any
  // thread.
  u64 host_thread() const { return host_thread_.load(); }

  // The CPU whose vCPU runs on the calling thread, or null.
  static Cpu* current();

  Vcpu* vcpu() const { return vcpu_.get(); }
  // The accelerator's part, from create_vcpu(); before the CPU's thread starts.
  void set_vcpu(std::unique_ptr<Vcpu> vcpu);

 private:
  friend class VcpuThread;
  friend class RunControl;
  static void set_current(Cpu* cpu);
  // What the vCPU's thread and others keep in the atomics below, for saving and loading.
  struct State {
    u32 interrupt_request = 0;
    bool halted = false;
  };
  State state_;
  unsigned index_ = 0;
  std::atomic<u32> interrupt_request_{0};
  std::atomic<bool> halted_{false};
  std::atomic<bool> held_{false};
  std::unique_ptr<Vcpu> vcpu_;
  VcpuThread* thread_ = nullptr;
  std::atomic<u64> host_thread_{0};
  [[maybe_unused]] Room<4> room_;
};

// The accelerator's side of a CPU.
class Vcpu {
 public:
  virtual ~Vcpu() = default;

  enum class Exit {
    Kicked,   // asked to leave
    Halted,   // the CPU halted and has no work
    Slice,    // used up its share (several CPUs on one thread)
    Stopped,  // an unrecoverable state was reported; the machine is to be stopped
    Debug,    // a debugger wants to look: debug_stop() says why
  };
  // Runs guest code until something stops it. On the vCPU's thread, without the machine lock.
  virtual Exit run() = 0;
  // Makes run() return soon, also one about to start. Any thread.
  virtual void kick() = 0;
  // Called on the vCPU's thread before the first run(), without the machine lock. Signals that
  // other processes send are blocked on that thread; those of its own faults are not.
  virtual void thread_started() {}
  // Ends what is under way in it (an event that is being delivered), so that get_state() tells all.
  // The machine stands still. On the vCPU's thread, outside run(), with the machine lock.
  virtual void settle() {}
  // Brings the architectural state into the Cpu object, or pushes changes made there (reset,
  // a debugger) into the accelerator. On the vCPU's thread, outside run().
  virtual void get_state() {}
  virtual void put_state() {}

  // How run() is to go on from now on: after a step it returns Exit::Debug. Called where the
  // accelerator says that it can (Accelerator::debug_support()). On the vCPU's thread, outside
  // run(), with the machine lock.
  virtual void set_step(DebugStep) {}
  // Why run() returned Exit::Debug. On the vCPU's thread, after it did.
  virtual DebugStop debug_stop() const { return {}; }
};

// A host thread that runs one vCPU, or several in turn (round robin). Waits while the machine
// is stopped and while every CPU of it is halted; runs queued work between runs. It must end (stop)
// before its CPUs do.
class VcpuThread {
 public:
  // The name is what the host's tools show of the thread (15 characters).
  explicit VcpuThread(Machine& machine, std::string name);
  ~VcpuThread();  // stop() and join
  VcpuThread(const VcpuThread&) = delete;
  VcpuThread& operator=(const VcpuThread&) = delete;
  // The CPU has its Vcpu. Machine lock, or before anything runs; also while the thread runs.
  void add(Cpu& cpu);
  void start();
  // Asks the thread to end and joins it. Without the machine lock or with it (given up meanwhile).
  void stop();

  // Round robin under instruction counting: called on the thread when all CPUs are halted,
  // instead of sleeping until a kick. Machine lock held. Returns nanoseconds to sleep (-1: until
  // kicked, 0: look again at once).
  void set_idle_hook(std::function<i64()> hook);
  // Called on the thread before each round of run()s. Machine lock not held. Both hooks are set
  // before start().
  void set_round_hook(std::function<void()> hook);

 private:
  friend class Cpu;
  friend class RunControl;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane
