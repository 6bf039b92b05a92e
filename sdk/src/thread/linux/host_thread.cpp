// SPDX-License-Identifier: MIT
#include "thread/host_thread.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace backplane {

namespace {

// Blocks, for a scope, the signals that other processes send: a thread made meanwhile inherits it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t set;
    sigfillset(&set);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT})
      sigdelset(&set, fault);
    pthread_sigmask(SIG_SETMASK, &set, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// The longest name of a thread that the system takes.
constexpr std::size_t kNameLength = 15;

}  // namespace

std::thread start_thread(const std::string& name, std::function<void()> body) {
  const SignalsBlocked blocked;
  return std::thread([name = name.substr(0, kNameLength), body = std::move(body)] {
    pthread_setname_np(pthread_self(), name.c_str());
    body();
  });
}

u64 current_thread_id() { return static_cast<u64>(gettid()); }

}  // namespace backplane
