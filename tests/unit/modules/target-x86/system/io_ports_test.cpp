// SPDX-License-Identifier: MIT
#include <chrono>

#include "../guest.h"
#include "backplane/memory.h"

namespace backplane::x86::testing {
namespace {

using namespace std::chrono_literals;

// A device that knows, at the first read, that nothing happens for a while.
class Slow {
 public:
  u64 read(u64 /*offset*/, unsigned /*size*/) {
    if (reads_++ == 0) rest_behind_port_in(std::chrono::nanoseconds(20ms).count());
    return 7;
  }
  void write(u64 /*offset*/, u64 /*value*/, unsigned /*size*/) {}

 private:
  unsigned reads_ = 0;
};

class IoPorts : public ::testing::Test {
 protected:
  IoPorts()
      : region_(MemoryRegion::mmio("slow", 1,
                                   MmioHandler::of<&Slow::read, &Slow::write>(slow_).sizes(1, 1))) {
    guest_.machine.io_root().add_subregion(0x300, *region_);
  }
  ~IoPorts() override { guest_.machine.io_root().remove_subregion(*region_); }

  Guest guest_;
  Slow slow_;
  std::unique_ptr<MemoryRegion> region_;
};

TEST_F(IoPorts, LetTheCpuRestOnceWhereTheDeviceSaysSo) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(port_in(guest_.context(), 0x300, 1), 7u);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
  for (unsigned n = 0; n < 1000; ++n) port_in(guest_.context(), 0x300, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

}  // namespace
}  // namespace backplane::x86::testing
