// SPDX-License-Identifier: MIT
#include "debug/registers.h"

#include <cstring>
#include <set>
#include <vector>

#include "../guest.h"
#include "debug/x87_image.h"

namespace backplane::x86::testing {
namespace {

using debug::registers;

class DebugRegisters : public ::testing::Test {
 protected:
  DebugRegisters() {
    guest_.enter_long_mode();
    target_ = guest_.cpu().debug_target();
  }
  static unsigned number(std::string_view name) {
    for (unsigned n = 0; n < registers().size(); ++n)
      if (registers()[n].shown.name == name) return n;
    ADD_FAILURE() << name;
    return 0;
  }
  static std::size_t size(unsigned n) { return registers()[n].shown.bits / 8; }
  std::vector<u8> bytes(std::string_view name) const {
    std::vector<u8> found(size(number(name)));
    target_->read(number(name), found);
    return found;
  }
  u64 value(std::string_view name) const {
    u64 number = 0;
    const auto found = bytes(name);
    std::memcpy(&number, found.data(), std::min(found.size(), sizeof number));
    return number;
  }
  bool set(std::string_view name, u64 value) {
    std::vector<u8> given(size(number(name)));
    std::memcpy(given.data(), &value, std::min(given.size(), sizeof value));
    return target_->write(number(name), given);
  }
  X86State& state() { return guest_.state(); }

  Guest guest_;
  std::unique_ptr<DebugTarget> target_;
};

TEST_F(DebugRegisters, AreThoseOfTheFeaturesInTheirOrder) {
  std::vector<std::string_view> names;
  for (const DebugFeature& feature : debug::features(true))
    for (const DebugRegister& r : feature.registers) names.push_back(r.name);
  ASSERT_EQ(names.size(), registers().size());
  for (std::size_t n = 0; n < names.size(); ++n) EXPECT_EQ(names[n], registers()[n].shown.name);
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  // Where gdb looks for them.
  EXPECT_EQ(number("rip"), 16u);
  EXPECT_EQ(number("st0"), 24u);
  EXPECT_EQ(number("xmm0"), 40u);
  EXPECT_EQ(debug::features(false).size() + 1, debug::features(true).size());
}

// All of them, as a client does that reads all and writes all back.
TEST_F(DebugRegisters, TakeBackWhatTheyShowAndChangeNothing) {
  for (unsigned n = 0; n < 16; ++n) state().gpr[n] = u64{0x1111111111111111} * n + 5;
  state().rflags = 0x246 | kTF;
  std::vector<u8> before(sizeof(X86State));
  std::memcpy(before.data(), &state(), before.size());
  for (unsigned n = 0; n < registers().size(); ++n) {
    std::vector<u8> shown(size(n));
    target_->read(n, shown);
    EXPECT_TRUE(target_->write(n, shown)) << registers()[n].shown.name;
    std::vector<u8> again(size(n));
    target_->read(n, again);
    EXPECT_EQ(again, shown) << registers()[n].shown.name;
  }
  // (What was in its initial state is in the image by value now.)
  EXPECT_EQ(std::memcmp(&state(), before.data(), offsetof(X86State, xsave)), 0);
}

TEST_F(DebugRegisters, KeepWhatIsWritten) {
  for (const debug::Register& r : registers()) {
    if (r.shown.bits != 64 || r.shown.type != "int64" || !r.shown.group.empty()) continue;
    EXPECT_TRUE(set(r.shown.name, 0x123456789abc)) << r.shown.name;
    EXPECT_EQ(value(r.shown.name), 0x123456789abcu) << r.shown.name;
  }
  EXPECT_EQ(state().gpr[RBX], 0x123456789abcu);
  EXPECT_EQ(state().seg[FS].base, 0x123456789abcu);
}

TEST_F(DebugRegisters, RefuseWhatTheArchitectureDoes) {
  EXPECT_FALSE(set("fs_base", u64{1} << 63));
  EXPECT_FALSE(set("rip", u64{1} << 63));
  EXPECT_FALSE(set("cr0", value("cr0") & ~u64{kCr0PE}));
  EXPECT_FALSE(set("cr4", u64{1} << 40));
  EXPECT_FALSE(set("efer", ~u64{0}));
  EXPECT_FALSE(set("mxcsr", 0x10000));
  EXPECT_FALSE(set("cs", value("cs") ^ 8));
  EXPECT_FALSE(set("eflags", kVM));
  EXPECT_FALSE(set("foseg", 1));
  EXPECT_EQ(value("eflags") & kVM, 0u);
}

TEST_F(DebugRegisters, LoadDescriptorsWithSelectors) {
  EXPECT_TRUE(set("ds", Guest::kUserData));
  EXPECT_EQ(state().seg[DS].dpl(), 3u);
  EXPECT_FALSE(set("ds", 0x7f8)) << "beyond the table";
  EXPECT_EQ(state().seg[DS].selector, Guest::kUserData);
}

TEST_F(DebugRegisters, ShowTheInstructionPointerAsAnAddress) {
  guest_.cpu().reset();
  EXPECT_EQ(value("rip"), 0xfffffff0u);
  EXPECT_EQ(target_->code_address(), 0xfffffff0u);
  EXPECT_TRUE(set("cs", 0x7c0));
  EXPECT_EQ(state().seg[CS].base, 0x7c00u);
  EXPECT_TRUE(set("rip", 0x7c05));
  EXPECT_EQ(state().rip, 5u);
  EXPECT_EQ(value("rip"), 0x7c05u);
}

TEST_F(DebugRegisters, ShowX87TagsInFull) {
  state().xsave[debug::kHeaderAt] |= 1;
  // The top of the stack is register 6: empty but for 6 (a number), 7 (zero) and 0 (no number).
  const u16 status = 6 << 11;
  std::memcpy(state().xsave + debug::kStatusAt, &status, sizeof status);
  state().xsave[debug::kTagsAt] = 0b11000001;
  const u64 one = u64{1} << 63;
  const u16 exponent = 0x3fff, infinite = 0x7fff;
  std::memcpy(state().xsave + debug::kStackAt, &one, 8);
  std::memcpy(state().xsave + debug::kStackAt + 8, &exponent, 2);
  std::memset(state().xsave + debug::kStackAt + 16, 0, 10);
  std::memcpy(state().xsave + debug::kStackAt + 32, &one, 8);
  std::memcpy(state().xsave + debug::kStackAt + 40, &infinite, 2);
  EXPECT_EQ(value("ftag"), 0b0100'1111'1111'1110u);
  EXPECT_TRUE(set("ftag", 0xffff));
  EXPECT_EQ(state().xsave[debug::kTagsAt], 0);
}

TEST_F(DebugRegisters, AreInitialWhereTheImageHasThemSo) {
  std::memset(state().xsave + debug::kXmmAt, 0x5a, 256);
  std::memset(state().xsave + debug::kControlAt, 0x5a, 2);
  state().xsave[debug::kHeaderAt] = 0;
  EXPECT_EQ(value("fctrl"), 0x37fu);
  EXPECT_EQ(value("ftag"), 0xffffu);
  EXPECT_EQ(value("xmm3"), 0u);
  EXPECT_TRUE(set("xmm3", 7));
  EXPECT_EQ(value("xmm3"), 7u);
  EXPECT_EQ(value("xmm4"), 0u) << "came alive with it";
  EXPECT_EQ(value("ymm3h"), 0u);
}

TEST_F(DebugRegisters, LookThroughPageTablesWhateverTheRights) {
  state().seg[SS].attributes |= Guest::kAttrDpl3;
  EXPECT_EQ(target_->physical(Guest::kStack + 5), Guest::kStack + 5);
  EXPECT_EQ(target_->physical(u64{1} << 46), std::nullopt);
}

}  // namespace
}  // namespace backplane::x86::testing
