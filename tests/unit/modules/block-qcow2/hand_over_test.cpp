// SPDX-License-Identifier: MIT
// Two programs that have one image in turn: each finds what the other has changed in its tables.
#include "backplane/machine.h"
#include "qcow2_fixture.h"

namespace backplane::testing {
namespace {

constexpr u64 kSize = 8_MiB, kPiece = 64_KiB;

class Qcow2HandOver : public Qcow2Test {
 protected:
  BlockNode& open_as(const std::string& id) {
    return dynamic_cast<BlockNode&>(backends.add(
        kBlockKind, "qcow2", id, {{"file.driver", "file"}, {"file.filename", path("a.qcow2")}}));
  }
};

TEST_F(Qcow2HandOver, EachHasWhatTheOtherWrote) {
  create("compat=1.1,cluster_size=4096", "8M");
  BlockNode& first = open_as("first");
  machine.config().will_be_received = true;
  BlockNode& second = open_as("second");
  EXPECT_FALSE(second.is_here());
  EXPECT_EQ(second.size(), kSize);

  std::vector<u8> model(kSize);
  std::mt19937 random(1);
  BlockNode* here = &first;
  BlockNode* there = &second;
  for (unsigned turn = 0; turn < 20; ++turn) {
    for (unsigned n = 0; n < 8; ++n) {
      const u64 at = random() % (kSize / kPiece) * kPiece;
      for (u64 i = 0; i < kPiece; ++i) model[at + i] = static_cast<u8>(turn + i / 512);
      ASSERT_EQ(here->write(at, model.data() + at, kPiece), 0);
    }
    here->hand_over();
    there->take_over();
    std::swap(here, there);
    std::vector<u8> bytes(kSize);
    ASSERT_EQ(here->read(0, bytes.data(), bytes.size()), 0);
    ASSERT_EQ(bytes, model) << "turn " << turn;
  }
  for (const char* const id : {"first", "second"}) backends.remove(id);
  expect_sound();
  expect_content(model);
}

}  // namespace
}  // namespace backplane::testing
