// SPDX-License-Identifier: MIT
#include "backplane/virtio/scatter_gather.h"

#include <gtest/gtest.h>

#include <string>

namespace backplane {
namespace {

class ScatterGather : public ::testing::Test {
 protected:
  std::string a_ = "abc";
  std::string b_ = "d";
  std::string c_ = "efgh";
  std::vector<iovec> list_{{a_.data(), 3}, {b_.data(), 1}, {c_.data(), 4}};
};

TEST_F(ScatterGather, GathersAcrossBuffersFromAnOffset) {
  std::string to(4, '-');
  EXPECT_EQ(gather(list_, 2, to.data(), 4), 4U);
  EXPECT_EQ(to, "cdef");
}

TEST_F(ScatterGather, StopsAtTheEnd) {
  std::string to(4, '-');
  EXPECT_EQ(gather(list_, 6, to.data(), 4), 2U);
  EXPECT_EQ(to, "gh--");
  EXPECT_EQ(gather(list_, 8, to.data(), 4), 0U);
  EXPECT_EQ(gather(list_, 1000, to.data(), 4), 0U);
}

TEST_F(ScatterGather, ScattersAcrossBuffersAtAnOffset) {
  EXPECT_EQ(scatter(list_, 2, "XYZ", 3), 3U);
  EXPECT_EQ(a_ + b_ + c_, "abXYZfgh");
}

TEST_F(ScatterGather, SlicesKeepTheBuffers) {
  std::vector<iovec> out;
  EXPECT_EQ(slice(list_, 1, 4, out), 4U);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[0].iov_base, a_.data() + 1);
  EXPECT_EQ(out[0].iov_len, 2U);
  EXPECT_EQ(out[2].iov_len, 1U);
}

}  // namespace
}  // namespace backplane
