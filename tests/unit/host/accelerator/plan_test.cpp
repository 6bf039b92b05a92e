// SPDX-License-Identifier: MIT
#include "accelerator/plan.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

std::vector<AccelCandidate> plan(const std::string& words, const std::string& program = "backplane",
                                 const std::string& installed = "tcg kvm") {
  return plan_accelerators(Asked(words).configuration, program, [&](const std::string& name) {
    return installed.find(name) != std::string::npos;
  });
}

std::string names(const std::vector<AccelCandidate>& candidates) {
  std::string text;
  for (const AccelCandidate& candidate : candidates) text += candidate.name + " ";
  return text;
}

struct Order {
  const char* words;
  const char* program;
  const char* installed;
  const char* names;
};
void PrintTo(const Order& row, std::ostream* out) { *out << row.words; }

class AccelPlan : public testing::TestWithParam<Order> {};

TEST_P(AccelPlan, HasTheCandidatesInOrder) {
  EXPECT_EQ(names(plan(GetParam().words, GetParam().program, GetParam().installed)),
            GetParam().names);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, AccelPlan,
    testing::Values(Order{"", "backplane", "tcg kvm", "tcg kvm "},
                    Order{"", "backplane-kvm", "tcg kvm", "kvm tcg "},
                    Order{"", "backplane-kvm", "tcg", "tcg "},
                    Order{"", "backplane", "kvm", "kvm "}, Order{"", "backplane", "", ""},
                    Order{"-accel foo -accel tcg", "backplane", "tcg", "foo tcg "},
                    Order{"-accel accel=kvm", "backplane", "", "kvm "},
                    Order{"-machine accel=kvm:foo:tcg", "backplane", "", "kvm foo tcg "},
                    Order{"-machine accel=:kvm::tcg:", "backplane", "", "kvm tcg "},
                    Order{"-enable-kvm", "backplane", "", "kvm "}));

TEST(AccelPlan, KeepsPropertiesAndWhereTheyCameFrom) {
  const auto candidates = plan("-accel kvm,required=on,dirty-ring-size=4 -accel tcg,thread=single");
  ASSERT_EQ(candidates.size(), 2U);
  EXPECT_TRUE(candidates[0].required);
  ASSERT_EQ(candidates[0].properties.size(), 1U);
  EXPECT_EQ(candidates[0].properties[0].first, "dirty-ring-size");
  EXPECT_FALSE(candidates[1].required);
  EXPECT_EQ(candidates[1].given, "-accel tcg,thread=single");
}

struct Refused {
  const char* words;
  const char* message;
};
void PrintTo(const Refused& row, std::ostream* out) { *out << row.words; }

class AccelPlanRefuses : public testing::TestWithParam<Refused> {};

TEST_P(AccelPlanRefuses, WithItsMessage) {
  EXPECT_EQ(message_of([] { plan(GetParam().words, "backplane", ""); }), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, AccelPlanRefuses,
    testing::Values(
        Refused{"-machine accel=", "-machine accel=: no accelerator found"},
        Refused{"-machine pc,accel=:", "-machine pc,accel=:: no accelerator found"},
        Refused{"-accel tcg -machine accel=tcg",
                "The -accel and \"-machine accel=\" options are incompatible"},
        Refused{"-enable-kvm -accel kvm",
                "The -accel and \"-machine accel=\" options are incompatible"},
        Refused{"-accel tcg,required=x", "-accel tcg,required=x: required='x': expects on or off"},
        Refused{"-accel thread=single",
                "-accel thread=single: the name of an accelerator is missing: -accel help lists "
                "those installed"}));

}  // namespace
}  // namespace backplane::host
