// SPDX-License-Identifier: MIT
#include "emit/code_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace backplane::tcg {
namespace {

TEST(CodeBuffer, IsWrittenAtOneAddressAndRunAtAnother) {
  const CodeBuffer buffer(1_MiB);
  ASSERT_NE(buffer.writable(), buffer.executable());
  buffer.writable()[0x1234] = 0xc3;
  EXPECT_EQ(buffer.executable()[0x1234], 0xc3);
}

// Code of the guest that got out of hand knows where it runs.
TEST(CodeBuffer, HasNoFixedDistanceBetweenTheTwo) {
  std::deque<CodeBuffer> buffers;
  std::vector<i64> distances;
  for (unsigned n = 0; n < 16; ++n) {
    const CodeBuffer& buffer = buffers.emplace_back(1_MiB);
    distances.push_back(reinterpret_cast<i64>(buffer.writable()) -
                        reinterpret_cast<i64>(buffer.executable()));
  }
  std::sort(distances.begin(), distances.end());
  // By chance two of them are so near to each other once in two hundred thousand runs.
  for (unsigned n = 1; n < distances.size(); ++n)
    EXPECT_GT(distances[n] - distances[n - 1], i64{4_MiB});
}

}  // namespace
}  // namespace backplane::tcg
