// SPDX-License-Identifier: MIT
#include "acpi/aml.h"

#include <gtest/gtest.h>

namespace backplane::pc::aml {
namespace {

TEST(Aml, IntegersTakeTheShortestForm) {
  EXPECT_EQ(integer(0), (Bytes{0x00}));
  EXPECT_EQ(integer(1), (Bytes{0x01}));
  EXPECT_EQ(integer(2), (Bytes{0x0a, 0x02}));
  EXPECT_EQ(integer(0x1234), (Bytes{0x0b, 0x34, 0x12}));
  EXPECT_EQ(integer(0x12345678), (Bytes{0x0c, 0x78, 0x56, 0x34, 0x12}));
  EXPECT_EQ(integer(0x100000000), (Bytes{0x0e, 0, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(Aml, PathsAreMadeOfPaddedSegments) {
  EXPECT_EQ(path("X"), (Bytes{'X', '_', '_', '_'}));
  EXPECT_EQ(path("\\_SB.PCI0"), (Bytes{'\\', 0x2e, '_', 'S', 'B', '_', 'P', 'C', 'I', '0'}));
  EXPECT_EQ(path("A.B.C"),
            (Bytes{0x2f, 3, 'A', '_', '_', '_', 'B', '_', '_', '_', 'C', '_', '_', '_'}));
}

TEST(Aml, EisaIdsAreCompressed) {
  EXPECT_EQ(eisa_id("PNP0A03"), (Bytes{0x0c, 0x41, 0xd0, 0x0a, 0x03}));
}

TEST(Aml, LengthsCountThemselves) {
  // 60 bytes of data: NumElements is not part of a buffer's data.
  const Bytes small = buffer(Bytes(59, 0xaa));
  EXPECT_EQ(small[1], 1 + 2 + 59);
  EXPECT_EQ(small.size(), 1 + small[1]);
  const Bytes large = buffer(Bytes(100, 0xaa));
  EXPECT_EQ(large[1] >> 6, 1);
  EXPECT_EQ(static_cast<std::size_t>((large[1] & 15) | large[2] << 4), large.size() - 1);
  const Bytes huge = buffer(Bytes(5000, 0xaa));
  EXPECT_EQ(huge[1] >> 6, 2);
  EXPECT_EQ(static_cast<std::size_t>((huge[1] & 15) | huge[2] << 4 | huge[3] << 12),
            huge.size() - 1);
}

TEST(Aml, APackageBeginsWithItsCount) {
  EXPECT_EQ(package({integer(1), integer(0)}), (Bytes{0x12, 4, 2, 1, 0}));
}

TEST(Aml, AMethodCarriesItsArgumentCount) {
  EXPECT_EQ(method("FOO", 1, return_(arg(0))), (Bytes{0x14, 8, 'F', 'O', 'O', '_', 1, 0xa4, 0x68}));
}

TEST(Aml, AResourceTemplateEndsWithItsTag) {
  EXPECT_EQ(resource_template({irq(4)}), (Bytes{0x11, 8, 0x0a, 5, 0x22, 0x10, 0x00, 0x79, 0x00}));
}

TEST(Aml, WindowsGiveFirstLastAndLength) {
  const Bytes w = io_window(0x0d00, 0xffff);
  ASSERT_EQ(w.size(), 16u);
  EXPECT_EQ(w[0], 0x88);
  EXPECT_EQ(w[1] | w[2] << 8, 13);
  EXPECT_EQ(w[8] | w[9] << 8, 0x0d00);
  EXPECT_EQ(w[10] | w[11] << 8, 0xffff);
  EXPECT_EQ(w[14] | w[15] << 8, 0xf300);
}

}  // namespace
}  // namespace backplane::pc::aml
