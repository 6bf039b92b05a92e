// SPDX-License-Identifier: MIT
// Exceptions that are delivered without ado come out as all others, and nothing was done if not.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "../guest.h"

namespace backplane::x86::testing {
namespace {

constexpr u8 kInterruptGate = 14, kTrapGate = 15, kCallGate = 12;
constexpr u32 kError = 6;

// All of the guest's memory but what is taken away.
class GuestMemory final : public PlainMemory {
 public:
  explicit GuestMemory(Guest& guest) : guest_(guest) {}
  bool load(u64 linear, u64& value) override {
    if (linear == absent) return false;
    value = guest_.load<u64>(linear);
    return true;
  }
  bool store(u64 linear, std::span<const u64> words) override {
    if (linear == absent) return false;
    for (const u64& word : words) {
      guest_.store<u64>(linear, word);
      linear += sizeof word;
    }
    return true;
  }
  u64 absent = ~u64{0};

 private:
  Guest& guest_;
};

struct Setup {
  std::string_view name;
  std::function<void(Guest&)> prepare;
  unsigned cpl = 3;
};

void set_gate(Guest& g, u16 selector, u8 type, u8 ist = 0) {
  g.set_gate(kPFVector, Guest::gate(selector, Guest::kHandler, type, 0, ist));
}
void set_upper_target(Guest& g, u64 upper) {
  g.store<u64>(Guest::kIdt + kPFVector * 16 + 8, upper);
}
void change_code(Guest& g, u16 attributes) {
  g.set_descriptor(Guest::kCode64, Guest::descriptor(0, 0xffffffff, attributes));
}

const Setup kUsual[] = {
    {"FromAUser", [](Guest& g) { set_gate(g, Guest::kCode64, kInterruptGate); }},
    {"FromTheKernel", [](Guest& g) { set_gate(g, Guest::kCode64, kInterruptGate); }, 0},
    {"ThroughATrapGate", [](Guest& g) { set_gate(g, Guest::kCode64, kTrapGate); }},
    {"WithAStackOfItsOwn", [](Guest& g) { set_gate(g, Guest::kCode64, kInterruptGate, 3); }},
    {"FromTheKernelWithAStackOfItsOwn",
     [](Guest& g) { set_gate(g, Guest::kCode64, kInterruptGate, 1); }, 0},
    {"WithAnRplInTheGate", [](Guest& g) { set_gate(g, Guest::kCode64 | 3, kInterruptGate); }},
    {"ToAHighHandler",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate);
       set_upper_target(g, 0xffff8000);
     }},
    {"OnAStackThatIsNotAligned",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate);
       g.reg(RSP) -= 3;
     },
     0},
};

const Setup kUnusual[] = {
    {"BeyondTheTable",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate);
       g.state().idtr.limit = kPFVector * 16 + 14;
     }},
    {"NoGate", [](Guest& g) { set_gate(g, Guest::kCode64, kCallGate); }},
    {"GateNotPresent",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate);
       g.store<u64>(Guest::kIdt + kPFVector * 16,
                    g.load<u64>(Guest::kIdt + kPFVector * 16) & ~(u64{1} << 47));
     }},
    {"NullSelector", [](Guest& g) { set_gate(g, 0, kInterruptGate); }},
    {"LocalSelector", [](Guest& g) { set_gate(g, Guest::kCode64 | 4, kInterruptGate); }},
    {"SelectorBeyondTheTable", [](Guest& g) { set_gate(g, 0x100, kInterruptGate); }},
    {"Data", [](Guest& g) { set_gate(g, Guest::kData0, kInterruptGate); }},
    {"CodeOf32Bits", [](Guest& g) { set_gate(g, Guest::kCode32, kInterruptGate); }},
    {"CodeOfUsers", [](Guest& g) { set_gate(g, Guest::kUserCode64, kInterruptGate); }},
    {"CodeNotPresent",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate);
       change_code(g, Guest::kAttrCode64 & ~0x80);
     }},
    {"CodeNotAccessed",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate);
       change_code(g, Guest::kAttrCode64 & ~1);
     }},
    {"ConformingCode",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate);
       change_code(g, Guest::kAttrCode64 | 4);
     }},
    {"TargetNotCanonical",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate);
       set_upper_target(g, 0x8000);
     }},
    {"StackNotCanonical",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate);
       g.store<u64>(Guest::kTss + 4, u64{1} << 60);
     }},
    {"StackBeyondTheTss",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate, 7);
       g.state().tr.limit = 0x5a;
     }},
    {"FromCodeOf32Bits",
     [](Guest& g) {
       set_gate(g, Guest::kCode64, kInterruptGate);
       g.state().seg[CS].attributes = Guest::kAttrCode32 | Guest::kAttrDpl3;
     }},
};

class FastEvents : public ::testing::TestWithParam<Setup> {
 protected:
  void prepare(Guest& g) {
    g.enter_long_mode(GetParam().cpl);
    g.store<u64>(Guest::kTss + 4, Guest::kInnerStack);
    for (unsigned n = 0; n < 7; ++n)
      g.store<u64>(Guest::kTss + 0x24 + 8 * n, Guest::kIstStack + 0x100 * n);
    GetParam().prepare(g);
    g.state().rflags |= kCF | kDF | kAC | kNT;
  }
};
class Usual : public FastEvents {};
class Unusual : public FastEvents {};

void expect_same(Guest& found, Guest& expected) {
  const X86State& f = found.state();
  const X86State& e = expected.state();
  for (unsigned n = 0; n < 16; ++n) EXPECT_EQ(f.gpr[n], e.gpr[n]) << "register " << n;
  EXPECT_EQ(f.rip, e.rip);
  EXPECT_EQ(f.rflags, e.rflags);
  for (unsigned n = 0; n < 6; ++n) {
    EXPECT_EQ(f.seg[n].selector, e.seg[n].selector) << "segment " << n;
    EXPECT_EQ(f.seg[n].attributes, e.seg[n].attributes) << "segment " << n;
    EXPECT_EQ(f.seg[n].base, e.seg[n].base) << "segment " << n;
    EXPECT_EQ(f.seg[n].limit, e.seg[n].limit) << "segment " << n;
  }
  for (const u64 stack : {Guest::kStack, Guest::kInnerStack, Guest::kIstStack, u64{0x40100},
                          u64{0x40200}, u64{0x40600}})
    for (u64 at = stack - 64; at < stack; at += 8)
      EXPECT_EQ(found.load<u64>(at), expected.load<u64>(at)) << std::hex << at;
}

TEST_P(Usual, AreDeliveredAsAllAre) {
  Guest expected, found;
  prepare(expected);
  prepare(found);
  deliver_exception(expected.context(), {kPFVector, true, kError, 0});
  GuestMemory memory(found);
  ASSERT_TRUE(deliver_to_kernel64(found.context(), memory, kPFVector, kError));
  expect_same(found, expected);
}

TEST_P(Usual, AreLeftAloneWhereMemoryIsNotPlain) {
  Guest before;
  prepare(before);
  const X86State& s = before.state();
  u64 rsp = s.cpl() == 0 ? s.gpr[RSP] : Guest::kInnerStack;
  const u8 ist = before.load<u64>(Guest::kIdt + kPFVector * 16) >> 32 & 7;
  if (ist != 0) rsp = Guest::kIstStack + 0x100 * (ist - 1u);
  const u64 frame = (rsp & ~u64{15}) - 48;
  for (const u64 absent : {Guest::kIdt + kPFVector * 16, Guest::kIdt + kPFVector * 16 + 8,
                           Guest::kGdt + Guest::kCode64, frame}) {
    Guest found;
    prepare(found);
    GuestMemory memory(found);
    memory.absent = absent;
    EXPECT_FALSE(deliver_to_kernel64(found.context(), memory, kPFVector, kError));
    expect_same(found, before);
  }
}

TEST_P(Unusual, AreLeftAlone) {
  Guest before, found;
  prepare(before);
  prepare(found);
  GuestMemory memory(found);
  EXPECT_FALSE(deliver_to_kernel64(found.context(), memory, kPFVector, kError));
  expect_same(found, before);
}

std::string setup_name(const ::testing::TestParamInfo<Setup>& info) {
  return std::string(info.param.name);
}
void PrintTo(const Setup& setup, std::ostream* out) { *out << setup.name; }

INSTANTIATE_TEST_SUITE_P(Setups, Usual, ::testing::ValuesIn(kUsual), setup_name);
INSTANTIATE_TEST_SUITE_P(Setups, Unusual, ::testing::ValuesIn(kUnusual), setup_name);

}  // namespace
}  // namespace backplane::x86::testing
