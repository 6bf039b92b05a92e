// SPDX-License-Identifier: MIT
#include "options/icount_options.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

IcountOptions parse(const std::string& text) {
  return parse_icount(KeyValueList::parse(text, "shift"));
}

struct Accepted {
  const char* text;
  bool adaptive;
  unsigned shift;
  bool align;
  bool sleep;
};
void PrintTo(const Accepted& row, std::ostream* out) { *out << row.text; }

class IcountAccepts : public testing::TestWithParam<Accepted> {};

TEST_P(IcountAccepts, WhatIsGiven) {
  const IcountOptions options = parse(GetParam().text);
  EXPECT_EQ(options.adaptive, GetParam().adaptive);
  if (!options.adaptive) {
    EXPECT_EQ(options.shift, GetParam().shift);
  }
  EXPECT_EQ(options.align, GetParam().align);
  EXPECT_EQ(options.sleep, GetParam().sleep);
}

INSTANTIATE_TEST_SUITE_P(Rules, IcountAccepts,
                         testing::Values(Accepted{"3", false, 3, false, true},
                                         Accepted{"shift=0x3", false, 3, false, true},
                                         Accepted{"0", false, 0, false, true},
                                         Accepted{"10", false, 10, false, true},
                                         Accepted{"auto", true, 0, false, true},
                                         Accepted{"shift=auto,align=off", true, 0, false, true},
                                         Accepted{"7,align=on", false, 7, true, true},
                                         Accepted{"7,sleep=off", false, 7, false, false}));

struct Refused {
  const char* text;
  const char* message;
};
void PrintTo(const Refused& row, std::ostream* out) { *out << row.text; }

class IcountRefuses : public testing::TestWithParam<Refused> {};

TEST_P(IcountRefuses, WithItsMessage) {
  EXPECT_EQ(message_of([] { parse(GetParam().text); }), GetParam().message);
}

constexpr const char* kShift = "icount: Invalid shift value";

INSTANTIATE_TEST_SUITE_P(
    Rules, IcountRefuses,
    testing::Values(Refused{"11", kShift}, Refused{"99", kShift}, Refused{"-1", kShift},
                    Refused{"abc", kShift}, Refused{"", kShift}, Refused{"shift=", kShift},
                    Refused{"0x", kShift}, Refused{"3 ", kShift}, Refused{"4294967299", kShift},
                    Refused{"align=on", "Please specify shift option when using align"},
                    Refused{"align=off", "Please specify shift option when using align"},
                    Refused{"3,align=on,sleep=off", "align=on and sleep=off are incompatible"},
                    Refused{"auto,align=on,sleep=off", "align=on and sleep=off are incompatible"},
                    Refused{"auto,align=on", "shift=auto and align=on are incompatible"},
                    Refused{"align=on,shift=auto", "shift=auto and align=on are incompatible"},
                    Refused{"auto,sleep=off", "shift=auto and sleep=off are incompatible"},
                    Refused{"sleep=off", "shift is missing: expects 0 to 10, or auto"},
                    Refused{"3,rr=record", "'rr' is unknown; there are: align, shift, sleep"}));

}  // namespace
}  // namespace backplane::host
