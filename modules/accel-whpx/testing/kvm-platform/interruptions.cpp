// SPDX-License-Identifier: MIT
#include "interruptions.h"

#include <signal.h>
#include <unistd.h>

#include "descriptor.h"

namespace kvm_platform {

Interruptions::Interruptions(int signal) {
  constexpr long kPeriod = 1'000'000;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal;
  event._sigev_un._tid = gettid();  // glibc names it only in the manual
  if (timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) throw Failure("timer_create");
  const itimerspec period{.it_interval = {0, kPeriod}, .it_value = {0, kPeriod}};
  timer_settime(timer_, 0, &period, nullptr);
}

Interruptions::~Interruptions() { timer_delete(timer_); }

}  // namespace kvm_platform
