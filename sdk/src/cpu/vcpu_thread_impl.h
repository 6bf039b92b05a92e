// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "backplane/cpu.h"
#include "backplane/machine.h"

namespace backplane {

// Lock order: the machine lock before `mutex`.
struct VcpuThread::Impl {
  // Something to do on the thread for one of its CPUs.
  struct Work {
    Cpu* cpu;
    std::function<void()> fn;
    // Of a caller that waits, changed with the machine lock held; null if nobody does.
    bool* done = nullptr;
    std::exception_ptr* error = nullptr;
  };

  Impl(Machine& machine_in, std::string name_in) : machine(machine_in), name(std::move(name_in)) {}

  // --- any thread ---------------------------------------------------------------------------
  // Makes the thread look at everything again before it sleeps or runs guest code once more.
  void wake();
  // Makes the vCPU that runs now leave guest code soon.
  void kick_running();
  // False if the thread has ended and will not do it.
  bool push(Work work);
  bool is_this_thread() const { return current == this; }
  std::condition_variable_any& progress() const;
  bool outside_guest() const { return !in_guest.load(); }

  // --- the thread itself --------------------------------------------------------------------
  void main();
  void adopt_added();
  // Machine lock held. False if there was nothing to do.
  bool do_one();
  void do_all();
  bool may_run() const;
  bool run_round();
  void run(Cpu& cpu);
  void note_exit(Cpu& cpu, Vcpu::Exit exit);
  void fail(const std::exception& error);
  void leave_guest();
  void idle();
  void sleep(i64 nanoseconds);

  // The thread that the caller is on, or null.
  static thread_local Impl* current;

  Machine& machine;
  const std::string name;
  std::function<i64()> idle_hook;
  std::function<void()> round_hook;
  std::thread thread;

  std::mutex mutex;
  std::condition_variable woken;
  std::vector<Cpu*> added;  // not yet seen by the thread; mutex
  std::deque<Work> work;    // mutex
  bool ended = false;       // mutex

  std::atomic<bool> awake{false};
  std::atomic<bool> sleeping{false};
  std::atomic<bool> stopping{false};
  std::atomic<bool> has_work{false};
  // From when the thread found the machine running until it has seen that it is not.
  std::atomic<bool> in_guest{false};
  std::atomic<Cpu*> running{nullptr};

  std::vector<Cpu*> cpus;  // the thread's own
  std::size_t next = 0;    // whose turn it is
};

}  // namespace backplane
