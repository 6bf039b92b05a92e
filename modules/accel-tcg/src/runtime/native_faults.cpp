// SPDX-License-Identifier: MIT
#include "runtime/native_faults.h"

#include <signal.h>
#include <ucontext.h>

#include <cstdlib>
#include <memory>
#include <mutex>

#include "vcpu/vcpu.h"

namespace backplane::tcg {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
struct sigaction earlier[NSIG];

void pass_on(int signal, siginfo_t* info, void* context) {
  const struct sigaction& old = earlier[signal];
  if ((old.sa_flags & SA_SIGINFO) != 0 && old.sa_sigaction != nullptr) {
    old.sa_sigaction(signal, info, context);
    return;
  }
  if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) {
    old.sa_handler(signal);
    return;
  }
  // Let it kill the program as it would have: the instruction runs again without a handler.
  sigaction(signal, &old, nullptr);
}

void handle(int signal, siginfo_t* info, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  u32 offset = 0;
  const void* pc = reinterpret_cast<const void*>(registers[REG_RIP]);
  const u8* const resume =
      TcgVcpu::take_native_fault(pc, static_cast<u64>(registers[REG_EFL]), offset);
  if (resume == nullptr) {
    pass_on(signal, info, context);
    return;
  }
  registers[REG_R11] = offset;
  registers[REG_RIP] = reinterpret_cast<greg_t>(resume);
}

}  // namespace

void install_native_fault_handlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    for (const int signal : kSignals) sigaction(signal, &action, &earlier[signal]);
  });
}

void use_alternate_signal_stack() {
  constexpr std::size_t kSize = 64 << 10;
  static thread_local std::unique_ptr<char[]> memory;
  if (memory != nullptr) return;
  memory.reset(new char[kSize]);
  stack_t stack{};
  stack.ss_sp = memory.get();
  stack.ss_size = kSize;
  sigaltstack(&stack, nullptr);
}

}  // namespace backplane::tcg
