// SPDX-License-Identifier: MIT
// Ends KVM_RUN every now and then.
#pragma once

#include <time.h>

namespace kvm_platform {

// While there is one, this thread gets the signal each millisecond: KVM has no exit for NMIs that
// are not held back any more, so somebody has to look.
class Interruptions {
 public:
  explicit Interruptions(int signal);
  ~Interruptions();
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;

 private:
  timer_t timer_{};
};

}  // namespace kvm_platform
