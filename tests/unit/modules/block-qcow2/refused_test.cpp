// SPDX-License-Identifier: MIT
// Images of kinds that cannot be used, or that are damaged: one line each.
#include "qcow2_fixture.h"

namespace backplane::testing {
namespace {

class RefusedTest : public Qcow2Test {
 protected:
  // Changes bytes of the image.
  void patch(u64 offset, const std::vector<u8>& bytes) {
    std::fstream file(path("a.qcow2"), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
};

TEST_F(RefusedTest, AFileThatIsNone) {
  for (const u64 size : {0, 3, 100, 512}) {
    std::ofstream(path("a.qcow2")) << std::string(size, 'x');
    EXPECT_EQ(refusal(), "is no qcow2 image");
  }
}

TEST_F(RefusedTest, KindsThatNeedMore) {
  create("data_file=data.raw", "1M");
  EXPECT_EQ(refusal(), "has its data in another file, which is not supported");
  create("extended_l2=on", "1M");
  EXPECT_EQ(refusal(), "has subclusters, which are not supported");
  create("compression_type=zlib", "1M");
  patch(79, {0x08});
  EXPECT_EQ(refusal(), "is damaged: its header contradicts itself about compression");
  patch(104, {7});
  EXPECT_EQ(refusal(), "is compressed in a way that is not known here: 7");
  create("compat=1.1", "1M");
  patch(76, {0x01});
  EXPECT_EQ(refusal(), "needs features that are not known here: bits 0x1000000");
}

TEST_F(RefusedTest, AnEncryptedOne) {
  create("compat=1.1", "1M");
  patch(35, {1});
  EXPECT_EQ(refusal(), "is encrypted, which is not supported");
}

TEST_F(RefusedTest, OneThatIsMarkedCorruptIsForReading) {
  create("compat=1.1", "1M");
  patch(79, {0x02});
  EXPECT_EQ(refusal(), "is marked corrupt: it can only be read");
  EXPECT_EQ(refusal({{"read-only", "on"}}), "");
}

TEST_F(RefusedTest, OneThatWasNotClosedIsRepairedForWriting) {
  create("compat=1.1,lazy_refcounts=on", "1M");
  patch(79, {0x01});
  // The refcount of the header: none.
  patch(0x20000, {0, 0});
  EXPECT_EQ(refusal({{"read-only", "on"}}), "");
  EXPECT_NE(qemu_img("check -U a.qcow2"), 0) << "it was only read";
  EXPECT_EQ(refusal(), "");
  expect_sound();
}

struct Damage {
  u64 offset;
  std::vector<u8> bytes;
  const char* message;
};
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.message; }

class DamagedTest : public RefusedTest, public ::testing::WithParamInterface<Damage> {};

TEST_P(DamagedTest, IsRefused) {
  create("compat=1.1,cluster_size=64k", "1M");
  ASSERT_EQ(refusal(), "");
  // The L1 table is at 0x30000; an L2 table goes to 0x40000.
  BlockNode& disk = open();
  const std::vector<u8> sector(512, 1);
  ASSERT_EQ(disk.write(0, sector.data(), sector.size()), 0);
  close();
  patch(GetParam().offset, GetParam().bytes);
  EXPECT_EQ(refusal(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, DamagedTest,
    ::testing::Values(
        Damage{7, {4}, "is of version 4 of qcow2: expects 2 or 3"},
        Damage{23, {8}, "is damaged: its clusters would have 2^8 bytes"},
        Damage{23, {22}, "is damaged: its clusters would have 2^22 bytes"},
        Damage{24,
               {0x7f},
               "is damaged: its L1 table of 1 entries is too small for "
               "9151314442817896448 bytes"},
        Damage{36, {0x7f}, "is damaged: its L1 table would have 2130706433 entries"},
        Damage{47, {1}, "is damaged: no L1 table can be at 0x30001"},
        Damage{40, {0x7f}, "is damaged: no L1 table can be at 0x7f00000000030000"},
        Damage{55, {1}, "is damaged: no refcount table of 1 clusters can be at 0x10001"},
        Damage{59, {0}, "is damaged: no refcount table of 0 clusters can be at 0x10000"},
        Damage{99, {7}, "is damaged: its refcounts would have 2^7 bits"},
        Damage{103, {80}, "is damaged: its header would have 80 bytes"},
        Damage{0x30000, {0xff}, "is damaged: entry 0 of its L1 table is 0xff00000000040000"},
        Damage{0x30005, {0xff}, "is damaged: entry 0 of its L1 table is 0x8000000000ff0000"},
        Damage{
            0x40007, {2}, "is damaged: entry 0 of its L2 table at 0x40000 is 0x8000000000050002"},
        Damage{0x40001,
               {0xff},
               "is damaged: entry 0 of its L2 table at 0x40000 is 0x80ff000000050000"},
        Damage{0x10000, {0xff}, "is damaged: no refcounts can be at 0xff00000000020000"},
        Damage{15, {1}, "is damaged: no name of 0 bytes can be at 0x1"},
        Damage{63, {1}, "is damaged: no table of 1 snapshots can be at 0x0"},
        // What is counted as free, and what is used by two.
        Damage{0x20008, {0, 0}, "is damaged: the cluster at 0x40000 is counted 0 times"},
        Damage{0x20009, {2}, ""},
        Damage{0x2000b, {2}, "is damaged: the cluster at 0x50000 is counted 2 times"},
        Damage{0x40005, {4}, "is damaged: the cluster at 0x40000 is used twice"},
        Damage{0x40008,
               {0x80, 0, 0, 0, 0, 5, 0, 0},
               "is damaged: the cluster at 0x50000 is used twice"},
        Damage{0x40008,
               {0x40, 0, 0, 0, 0, 9, 0, 0},
               "is damaged: entry 1 of its L2 table at 0x40000 is 0x4000000000090000"}));

}  // namespace
}  // namespace backplane::testing
