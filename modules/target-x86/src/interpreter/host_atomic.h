// SPDX-License-Identifier: MIT
// Guest memory through a host pointer, of any alignment: single accesses and the host's own
// locked compare-and-exchange, which other vCPU threads see as one step.
#pragma once

#include <cstring>

#include "backplane/types.h"

namespace backplane::x86::interpreter {

inline u64 load_host(const void* p, unsigned size) {
  u64 value = 0;
  switch (size) {
    case 1:
      std::memcpy(&value, p, 1);
      break;
    case 2:
      std::memcpy(&value, p, 2);
      break;
    case 4:
      std::memcpy(&value, p, 4);
      break;
    default:
      std::memcpy(&value, p, 8);
      break;
  }
  return value;
}

inline void store_host(void* p, unsigned size, u64 value) {
  switch (size) {
    case 1:
      std::memcpy(p, &value, 1);
      break;
    case 2:
      std::memcpy(p, &value, 2);
      break;
    case 4:
      std::memcpy(p, &value, 4);
      break;
    default:
      std::memcpy(p, &value, 8);
      break;
  }
}

// If *p is `expected`, writes `desired` and returns true; else loads `expected` from *p.
inline bool compare_exchange_host(void* p, unsigned size, u64& expected, u64 desired) {
  bool equal = false;
  u64 seen = expected;
  switch (size) {
    case 1:
      asm volatile("lock cmpxchgb %b3, (%2)"
                   : "=@ccz"(equal), "+a"(seen)
                   : "r"(p), "q"(desired)
                   : "memory");
      break;
    case 2:
      asm volatile("lock cmpxchgw %w3, (%2)"
                   : "=@ccz"(equal), "+a"(seen)
                   : "r"(p), "r"(desired)
                   : "memory");
      break;
    case 4:
      asm volatile("lock cmpxchgl %k3, (%2)"
                   : "=@ccz"(equal), "+a"(seen)
                   : "r"(p), "r"(desired)
                   : "memory");
      break;
    default:
      asm volatile("lock cmpxchgq %3, (%2)"
                   : "=@ccz"(equal), "+a"(seen)
                   : "r"(p), "r"(desired)
                   : "memory");
      break;
  }
  expected = seen;
  return equal;
}

// The same for 16 bytes, aligned to 16.
inline bool compare_exchange_host_16(void* p, u64& expected_low, u64& expected_high,
                                     u64 desired_low, u64 desired_high) {
  bool equal = false;
  asm volatile("lock cmpxchg16b (%3)"
               : "=@ccz"(equal), "+a"(expected_low), "+d"(expected_high)
               : "r"(p), "b"(desired_low), "c"(desired_high)
               : "memory");
  return equal;
}

}  // namespace backplane::x86::interpreter
