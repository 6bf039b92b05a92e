// SPDX-License-Identifier: MIT
#include "../guest.h"

namespace backplane::x86::testing {
namespace {

class Segments : public ::testing::Test {
 protected:
  Guest guest;
  Context c() { return guest.context(); }
};

TEST_F(Segments, RealModeShiftsTheSelectorAndKeepsTheLimit) {
  guest.enter_real_mode();
  guest.state().seg[DS].limit = 0xffffffff;
  load_segment(c(), DS, 0xabcd);
  EXPECT_EQ(guest.state().seg[DS].base, 0xabcd0u);
  EXPECT_EQ(guest.state().seg[DS].limit, 0xffffffffu) << "unreal mode";
}

TEST_F(Segments, Virtual8086ModeGives64KiBUserSegments) {
  guest.enter_virtual8086_mode();
  load_segment(c(), ES, 0x2000);
  const Segment& es = guest.state().seg[ES];
  EXPECT_EQ(es.base, 0x20000u);
  EXPECT_EQ(es.limit, 0xffffu);
  EXPECT_EQ(es.attributes, 0xf3);
}

TEST_F(Segments, LoadingSetsTheAccessedBitInMemory) {
  guest.enter_protected_mode();
  guest.set_descriptor(Guest::kSpare, Guest::descriptor(0x123456, 0xfff, 0x4092));
  load_segment(c(), DS, Guest::kSpare);
  EXPECT_EQ(guest.load<u8>(Guest::kGdt + Guest::kSpare + 5), 0x93);
  const Segment& ds = guest.state().seg[DS];
  EXPECT_EQ(ds.base, 0x123456u);
  EXPECT_EQ(ds.limit, 0xfffu);
  EXPECT_EQ(ds.attributes, 0x4093);
}

TEST_F(Segments, GranularityScalesTheLimit) {
  guest.enter_protected_mode();
  guest.set_descriptor(Guest::kSpare, Guest::descriptor(0, 0x12fff, 0xc093));
  load_segment(c(), DS, Guest::kSpare);
  EXPECT_EQ(guest.state().seg[DS].limit, 0x12fffu);
}

TEST_F(Segments, SelectorsOfTheLocalTableAreFoundThere) {
  guest.enter_protected_mode();
  guest.set_descriptor(0x0c, Guest::descriptor(0x777000, 0xfff, 0x4093));
  load_segment(c(), DS, 0x0c);
  EXPECT_EQ(guest.state().seg[DS].base, 0x777000u);
  guest.state().ldtr.attributes = 0;
  expect_fault(kGP, 0x0c, [&] { load_segment(c(), DS, 0x0c); });
}

struct LoadCase {
  const char* name;
  SegReg reg;
  u16 attributes;  // of the descriptor at kSpare
  u16 selector;
  unsigned cpl;
  int vector;  // -1: loads
  u32 error;
};
void PrintTo(const LoadCase& l, std::ostream* out) { *out << l.name; }

class SegmentLoads : public Segments, public ::testing::WithParamInterface<LoadCase> {};

TEST_P(SegmentLoads, FollowTheTable) {
  const LoadCase& l = GetParam();
  guest.enter_protected_mode(l.cpl);
  guest.set_descriptor(Guest::kSpare, Guest::descriptor(0, 0xffff, l.attributes));
  if (l.vector < 0)
    EXPECT_NO_THROW(load_segment(c(), l.reg, l.selector));
  else
    expect_fault(static_cast<u8>(l.vector), l.error, [&] { load_segment(c(), l.reg, l.selector); });
}

constexpr u16 kS = Guest::kSpare;
INSTANTIATE_TEST_SUITE_P(
    Table, SegmentLoads,
    ::testing::Values(LoadCase{"null data", DS, 0, 3, 3, -1, 0},
                      LoadCase{"null stack", SS, 0, 0, 0, kGP, 0},
                      LoadCase{"beyond the limit", DS, 0, 0x100, 0, kGP, 0x100},
                      LoadCase{"writable data", DS, 0x93, kS, 0, -1, 0},
                      LoadCase{"read-only data", DS, 0x91, kS, 0, -1, 0},
                      LoadCase{"execute-only code", DS, 0x99, kS, 0, kGP, kS},
                      LoadCase{"readable code", DS, 0x9b, kS, 0, -1, 0},
                      LoadCase{"system segment", DS, 0x82, kS, 0, kGP, kS},
                      LoadCase{"data not present", DS, 0x13, kS, 0, kNP, kS},
                      LoadCase{"inner data", DS, 0x93, kS | 3, 3, kGP, kS},
                      LoadCase{"inner data by RPL", DS, 0x93, kS | 3, 0, kGP, kS},
                      LoadCase{"inner conforming code", DS, 0x9f, kS | 3, 3, -1, 0},
                      LoadCase{"inner non-conforming code", DS, 0x9b, kS | 3, 3, kGP, kS},
                      LoadCase{"outer data", DS, 0xf3, kS, 0, -1, 0},
                      LoadCase{"stack", SS, 0x93, kS, 0, -1, 0},
                      LoadCase{"stack of a user", SS, 0xf3, kS | 3, 3, -1, 0},
                      LoadCase{"stack, wrong DPL", SS, 0xf3, kS, 0, kGP, kS},
                      LoadCase{"stack, wrong RPL", SS, 0x93, kS | 3, 0, kGP, kS},
                      LoadCase{"stack, read-only", SS, 0x91, kS, 0, kGP, kS},
                      LoadCase{"stack, code", SS, 0x9b, kS, 0, kGP, kS},
                      LoadCase{"stack not present", SS, 0x13, kS, 0, kSSVector, kS}),
    [](const auto& info) {
      std::string name = info.param.name;
      for (char& ch : name)
        if (std::isalnum(static_cast<unsigned char>(ch)) == 0) ch = '_';
      return name;
    });

TEST_F(Segments, NullStackIsAllowedIn64BitModeAtItsLevel) {
  guest.enter_long_mode();
  load_segment(c(), SS, 0);
  EXPECT_EQ(guest.state().cpl(), 0u);
  expect_fault(kGP, 0, [&] { load_segment(c(), SS, 3); });
  guest.enter_long_mode(3);
  expect_fault(kGP, 0, [&] { load_segment(c(), SS, 3); });
}

TEST_F(Segments, TaskRegisterMarksTheDescriptorBusy) {
  guest.enter_long_mode();
  guest.store<u32>(Guest::kGdt + Guest::kTssSelector + 8, 0xffff8000);
  load_task_register(c(), Guest::kTssSelector);
  EXPECT_EQ(guest.load<u8>(Guest::kGdt + Guest::kTssSelector + 5), 0x8b);
  EXPECT_EQ(guest.state().tr.base, 0xffff8000'00000000 | Guest::kTss);
  expect_fault(kGP, Guest::kTssSelector, [&] { load_task_register(c(), Guest::kTssSelector); });
  expect_fault(kGP, 0, [&] { load_task_register(c(), 0); });
  expect_fault(kGP, Guest::kData0, [&] { load_task_register(c(), Guest::kData0); });
}

TEST_F(Segments, LocalTableMayBeNull) {
  guest.enter_long_mode();
  load_ldt(c(), Guest::kLdtSelector);
  EXPECT_EQ(guest.state().ldtr.base, Guest::kLdt);
  load_ldt(c(), 0);
  EXPECT_FALSE(guest.state().ldtr.present());
  expect_fault(kGP, Guest::kTssSelector, [&] { load_ldt(c(), Guest::kTssSelector); });
  guest.enter_long_mode(3);
  expect_fault(kGP, 0, [&] { load_ldt(c(), 0); });
  guest.enter_real_mode();
  expect_fault(kUD, std::nullopt, [&] { load_ldt(c(), 0); });
}

TEST_F(Segments, AccessRightsAndLimits) {
  guest.enter_protected_mode(3);
  u32 value = 0;
  EXPECT_TRUE(load_access_rights(c(), Guest::kUserData, value));
  EXPECT_EQ(value, 0x00c0f300u);
  EXPECT_FALSE(load_access_rights(c(), Guest::kData0, value)) << "inner";
  EXPECT_TRUE(load_access_rights(c(), Guest::kConforming | 3, value));
  EXPECT_FALSE(load_access_rights(c(), 0, value));
  EXPECT_FALSE(load_access_rights(c(), 0x1000, value));
  guest.set_descriptor(Guest::kSpare, Guest::descriptor(0, 0x1234, 0xf3));
  EXPECT_TRUE(load_segment_limit(c(), Guest::kSpare | 3, value));
  EXPECT_EQ(value, 0x1234u);
  guest.set_descriptor(Guest::kSpare, Guest::gate(Guest::kCode32, 0, 0xc, 3));
  EXPECT_TRUE(load_access_rights(c(), Guest::kSpare | 3, value));
  EXPECT_FALSE(load_segment_limit(c(), Guest::kSpare | 3, value)) << "a gate has no limit";
}

TEST_F(Segments, VerifyReadAndWrite) {
  guest.enter_protected_mode(3);
  EXPECT_TRUE(verify_read(c(), Guest::kUserData));
  EXPECT_TRUE(verify_write(c(), Guest::kUserData));
  EXPECT_TRUE(verify_read(c(), Guest::kUserCode32));
  EXPECT_FALSE(verify_write(c(), Guest::kUserCode32));
  EXPECT_FALSE(verify_read(c(), Guest::kData0));
}

}  // namespace
}  // namespace backplane::x86::testing
