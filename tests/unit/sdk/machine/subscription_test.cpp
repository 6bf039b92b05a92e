// SPDX-License-Identifier: MIT
#include "backplane/subscription.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "backplane/phase.h"

namespace backplane {
namespace {

TEST(Subscribers, AreToldInTheOrderInWhichTheyCame) {
  Subscribers<int> all;
  std::string told;
  const Subscription first = all.add([&](int n) { told += fmt::format("a{}", n); });
  const Subscription second = all.add([&](int n) { told += fmt::format("b{}", n); });
  all.tell(1);
  EXPECT_EQ(told, "a1b1");
}

TEST(Subscribers, AreToldNothingOnceTheSubscriptionHasEnded) {
  Subscribers<> all;
  int told = 0;
  {
    const Subscription scoped = all.add([&] { ++told; });
    all.tell();
  }
  Subscription ended = all.add([&] { ++told; });
  ended.end();
  ended.end();
  Subscription replaced = all.add([&] { ++told; });
  replaced = all.add([] {});
  all.tell();
  EXPECT_EQ(told, 1);
}

TEST(Subscribers, MayEndTheirOwnAndOthersWhileTheyAreTold) {
  Subscribers<> all;
  std::string told;
  Subscription own;
  Subscription other;
  own = all.add([&] {
    told += "own";
    own.end();
    other.end();
  });
  other = all.add([&] { told += "other"; });
  all.tell();
  all.tell();
  EXPECT_EQ(told, "own");
}

TEST(Subscribers, ThatComeWhileOthersAreToldWaitForTheNextTime) {
  Subscribers<> all;
  int late = 0;
  std::optional<Subscription> added;
  const Subscription adding = all.add([&] {
    if (!added) added = all.add([&] { ++late; });
  });
  all.tell();
  EXPECT_EQ(late, 0);
  all.tell();
  EXPECT_EQ(late, 1);
}

TEST(Subscription, MayOutliveWhatItWasGotFrom) {
  std::optional<Subscribers<>> all;
  all.emplace();
  Subscription kept = all->add([] {});
  all.reset();
  kept.end();
}

TEST(LaunchPhases, TellThoseWhoWaitForOne) {
  LaunchPhases phases;
  int told = 0;
  const Subscription waiting = phases.on_reached(Phase::MachineInitialized, [&] { ++told; });
  phases.advance(Phase::AccelCreated);
  EXPECT_EQ(told, 0);
  phases.advance(Phase::MachineInitialized);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(phases.current(), Phase::MachineInitialized);
}

}  // namespace
}  // namespace backplane
