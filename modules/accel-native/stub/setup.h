// SPDX-License-Identifier: MIT
// What a stub is told at its start, in its area at STUB_SETUP.
#pragma once

#include <linux/filter.h>

#include <cstdint>

#include "layout.h"

namespace backplane::native {

struct StubOrder {
  std::uint64_t address, length, offset;
  std::uint32_t protection, kind;  // STUB_ORDER_...
};
static_assert(sizeof(StubOrder) == STUB_ORDER_BYTES);

struct StubOrders {
  std::uint32_t count;
  std::uint32_t unused[7];
  static constexpr unsigned kMost = (STUB_ORDERS_SIZE - STUB_ORDERS_FIRST) / STUB_ORDER_BYTES;
  StubOrder orders[kMost];
};
static_assert(sizeof(StubOrders) == STUB_ORDERS_SIZE);

struct StubSetup {
  static constexpr unsigned kMostFilter = 64;
  std::uint64_t area;  // its address
  std::uint64_t address_space_end;
  std::uint32_t faults_cpuid;  // whether CPUID is to raise an exception
  std::uint32_t traps_rdtsc;   // and RDTSC
  std::uint32_t guest_filter_size, mapper_filter_size;
  sock_filter guest_filter[kMostFilter];
  sock_filter mapper_filter[kMostFilter];
};
static_assert(sizeof(StubSetup) <= STUB_SETUP_SIZE);

}  // namespace backplane::native
