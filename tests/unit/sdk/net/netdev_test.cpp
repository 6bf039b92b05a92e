// SPDX-License-Identifier: MIT
#include "backplane/netdev.h"

#include <gtest/gtest.h>

#include "backplane/testing/test_machine.h"

namespace backplane::testing {
namespace {

class Wire final : public Netdev {
 public:
  static void class_init(ObjectClass&) {}
  std::string describe() const override { return "a wire"; }
  void send(std::span<const iovec>) override {}
  void arrive(u8 first) { deliver(std::vector<u8>(60, first)); }
};
BACKPLANE_TYPE(Wire, "net-wire")

struct Card final : NetClient {
  bool receive(std::span<const u8> frame) override {
    if (room == 0) return false;
    --room;
    seen.push_back(frame[0]);
    if (during) during();
    return true;
  }
  unsigned room = 0;
  std::vector<u8> seen;
  std::function<void()> during;
};

class NetdevTest : public ::testing::Test {
 protected:
  NetdevTest() { wire_.set_client(&card_); }
  ~NetdevTest() override { wire_.set_client(nullptr); }
  Wire wire_;
  Card card_;
};

TEST_F(NetdevTest, FramesWaitInOrderUntilThereIsRoom) {
  for (u8 i = 1; i <= 4; ++i) wire_.arrive(i);
  card_.room = 2;
  wire_.receive_more();
  EXPECT_EQ(card_.seen, (std::vector<u8>{1, 2}));
  card_.room = 8;
  wire_.arrive(5);  // behind those that wait
  wire_.receive_more();
  EXPECT_EQ(card_.seen, (std::vector<u8>{1, 2, 3, 4, 5}));
  wire_.arrive(6);
  EXPECT_EQ(card_.seen.back(), 6);
}

TEST_F(NetdevTest, ADeviceThatAsksForMoreWhileItReceivesIsNotEnteredTwice) {
  for (u8 i = 1; i <= 3; ++i) wire_.arrive(i);
  card_.room = 8;
  card_.during = [&] {
    wire_.receive_more();
    if (card_.seen.size() == 1) wire_.arrive(9);
  };
  wire_.receive_more();
  EXPECT_EQ(card_.seen, (std::vector<u8>{1, 2, 3, 9}));
}

TEST_F(NetdevTest, OnlySoManyWait) {
  for (unsigned i = 0; i < 5000; ++i) wire_.arrive(1);
  card_.room = 10'000;
  wire_.receive_more();
  EXPECT_LT(card_.seen.size(), 1000U);
  EXPECT_GT(card_.seen.size(), 100U);
}

TEST_F(NetdevTest, WhatWaitsForADeviceIsForgottenWithIt) {
  wire_.arrive(1);
  wire_.set_client(nullptr);
  wire_.arrive(2);
  wire_.set_client(&card_);
  card_.room = 8;
  wire_.receive_more();
  EXPECT_TRUE(card_.seen.empty());
}

TEST(MacAddressTest, IsSixBytesOfWhichTheFirstIsEven) {
  using Traits = PropertyTraits<MacAddress>;
  EXPECT_EQ(Traits::print(Traits::parse("52:54:00:ab:CD:ef")), "52:54:00:ab:cd:ef");
  EXPECT_EQ(Traits::print(Traits::parse("52-54-00-ab-cd-ef")), "52:54:00:ab:cd:ef");
  EXPECT_EQ(Traits::print({}), "");
  for (const char* text : {"", "52", "52:54:00:ab:cd", "52:54:00:ab:cd:ef:00", "5:54:00:ab:cd:ef",
                           "52:54:00:ab:cd:eg", "525400abcdef", "53:54:00:ab:cd:ef"})
    EXPECT_THROW(Traits::parse(text), Error) << text;
}

}  // namespace
}  // namespace backplane::testing
