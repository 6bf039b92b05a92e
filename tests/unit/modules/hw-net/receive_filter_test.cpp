// SPDX-License-Identifier: MIT
#include "virtio/receive_filter.h"

#include <gtest/gtest.h>

#include "backplane/json.h"

namespace backplane {
namespace {

using namespace virtio_net;

constexpr MacAddress kOwn{{0x52, 0x54, 0, 1, 2, 3}};
constexpr MacAddress kOther{{0x52, 0x54, 0, 9, 9, 9}};
constexpr MacAddress kGroup{{0x01, 0, 0x5e, 0, 0, 1}};
constexpr MacAddress kGroup2{{0x01, 0, 0x5e, 0, 0, 2}};
constexpr MacAddress kAll{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

std::vector<u8> frame_to(const MacAddress& to) {
  std::vector<u8> frame(60);
  std::copy(to.bytes.begin(), to.bytes.end(), frame.begin());
  return frame;
}

std::vector<u8> tagged(u16 vlan) {
  std::vector<u8> frame = frame_to(kOwn);
  frame[12] = 0x81;
  frame[14] = static_cast<u8>(vlan >> 8);
  frame[15] = static_cast<u8>(vlan);
  return frame;
}

void append(std::vector<u8>& data, const std::vector<MacAddress>& table) {
  const u32 count = static_cast<u32>(table.size());
  for (unsigned i = 0; i < 4; ++i) data.push_back(static_cast<u8>(count >> (8 * i)));
  for (const MacAddress& address : table)
    data.insert(data.end(), address.bytes.begin(), address.bytes.end());
}

struct FilterTest : ::testing::Test {
  bool mode(u8 command, bool on) {
    const std::array<u8, 1> data{static_cast<u8>(on)};
    return filter.command({kClassRx, command}, data);
  }
  bool tables(const std::vector<MacAddress>& unicast, const std::vector<MacAddress>& multicast) {
    std::vector<u8> data;
    append(data, unicast);
    append(data, multicast);
    return filter.command({kClassMac, kMacTableSet}, data);
  }
  bool accepts(const MacAddress& to) { return filter.accepts(frame_to(to)); }

  ReceiveFilter filter{kOwn};
};

TEST_F(FilterTest, ADriverThatSaysNothingGetsItsOwnAndThoseToGroups) {
  EXPECT_TRUE(accepts(kOwn));
  EXPECT_TRUE(accepts(kGroup));
  EXPECT_TRUE(accepts(kAll));
  EXPECT_FALSE(accepts(kOther));
}

TEST_F(FilterTest, ATableSaysWhichOthersPass) {
  EXPECT_TRUE(tables({kOther}, {kGroup}));
  EXPECT_TRUE(accepts(kOther));
  EXPECT_TRUE(accepts(kOwn));
  EXPECT_TRUE(accepts(kGroup));
  EXPECT_FALSE(accepts(kGroup2));
}

TEST_F(FilterTest, ATableThatIsTooLongLetsAllPass) {
  EXPECT_TRUE(tables(std::vector<MacAddress>(kMacTableSize + 1, kGroup), {}));
  EXPECT_TRUE(accepts(kOther));
  EXPECT_FALSE(accepts(kGroup2));
}

TEST_F(FilterTest, SaysWhatItLetsThrough) {
  EXPECT_EQ(*filter.describe().find("multicast"), Value("all")) << "nobody has said which";
  EXPECT_EQ(*filter.describe().find("vlan"), Value("all"));
  filter.filter_vlans();
  EXPECT_EQ(*filter.describe().find("vlan"), Value("none"));
  EXPECT_TRUE(tables({kOther}, {kGroup, kGroup2}));
  EXPECT_TRUE(mode(kNoUnicast, true));
  EXPECT_TRUE(filter.command({kClassVlan, kVlanAdd}, std::array<u8, 2>{5, 0}));
  EXPECT_EQ(filter.describe(), parse_json(R"({
      "promiscuous": false, "multicast": "normal", "unicast": "none", "vlan": "normal",
      "broadcast-allowed": true, "multicast-overflow": false, "unicast-overflow": false,
      "main-mac": "52:54:00:01:02:03", "vlan-table": [5],
      "unicast-table": ["52:54:00:09:09:09"],
      "multicast-table": ["01:00:5e:00:00:01", "01:00:5e:00:00:02"]})"));
}

TEST_F(FilterTest, ModesGoBeforeTables) {
  EXPECT_TRUE(tables({}, {}));
  EXPECT_TRUE(mode(kAllMulticast, true));
  EXPECT_TRUE(accepts(kGroup2));
  EXPECT_TRUE(mode(kNoMulticast, true));
  EXPECT_FALSE(accepts(kGroup2));
  EXPECT_TRUE(mode(kNoBroadcast, true));
  EXPECT_FALSE(accepts(kAll));
  EXPECT_TRUE(mode(kNoUnicast, true));
  EXPECT_FALSE(accepts(kOwn));
  EXPECT_TRUE(mode(kPromiscuous, true));
  EXPECT_TRUE(accepts(kOwn) && accepts(kAll) && accepts(kGroup2) && accepts(kOther));
  EXPECT_TRUE(mode(kPromiscuous, false));
  EXPECT_FALSE(accepts(kOther));
}

TEST_F(FilterTest, VlansPassOnceTheDriverAsksForThem) {
  EXPECT_TRUE(filter.accepts(tagged(7)));
  filter.filter_vlans();
  EXPECT_FALSE(filter.accepts(tagged(7)));
  EXPECT_TRUE(accepts(kOwn));
  const std::array<u8, 2> seven{7, 0};
  EXPECT_TRUE(filter.command({kClassVlan, kVlanAdd}, seven));
  EXPECT_TRUE(filter.accepts(tagged(7)));
  EXPECT_FALSE(filter.accepts(tagged(8)));
  EXPECT_TRUE(filter.command({kClassVlan, kVlanDel}, seven));
  EXPECT_FALSE(filter.accepts(tagged(7)));
}

TEST_F(FilterTest, TheDriverMayChangeItsAddress) {
  EXPECT_TRUE(filter.command({kClassMac, kMacAddrSet}, kOther.bytes));
  EXPECT_EQ(filter.own_address(), kOther);
  EXPECT_TRUE(accepts(kOther));
  EXPECT_FALSE(accepts(kOwn));
}

TEST_F(FilterTest, CommandsThatMakeNoSenseChangeNothing) {
  EXPECT_FALSE(mode(6, true));
  EXPECT_FALSE(mode(255, true));
  EXPECT_FALSE(filter.command({kClassRx, kPromiscuous}, {}));
  EXPECT_FALSE(filter.command({9, 0}, kOther.bytes));
  EXPECT_FALSE(filter.command({kClassMac, kMacAddrSet}, std::array<u8, 5>{}));
  EXPECT_FALSE(filter.command({kClassMac, 2}, kOther.bytes));
  // A table with more entries than there are bytes, and one cut off before its second half.
  EXPECT_FALSE(filter.command({kClassMac, kMacTableSet}, std::array<u8, 6>{255, 255, 255, 255}));
  std::vector<u8> half;
  append(half, {kOther});
  EXPECT_FALSE(filter.command({kClassMac, kMacTableSet}, half));
  EXPECT_FALSE(filter.command({kClassVlan, kVlanAdd}, std::array<u8, 2>{0, 0x10}));
  EXPECT_FALSE(filter.command({kClassVlan, 2}, std::array<u8, 2>{}));
  EXPECT_FALSE(accepts(kOther));
  EXPECT_TRUE(accepts(kGroup));
}

TEST_F(FilterTest, IsTheSameAfterItWasSavedAndLoaded) {
  mode(kNoBroadcast, true);
  tables({kOther}, {kGroup});
  StateWriter to;
  save_members(ReceiveFilter::members(), &filter, to);
  ReceiveFilter loaded{kOther};
  StateReader from(to.bytes());
  load_members(ReceiveFilter::members(), &loaded, from);
  EXPECT_EQ(loaded.own_address(), kOwn);
  EXPECT_FALSE(loaded.accepts(frame_to(kAll)));
  EXPECT_TRUE(loaded.accepts(frame_to(kOther)));
  loaded.reset();
  EXPECT_EQ(loaded.own_address(), kOther);
  EXPECT_TRUE(loaded.accepts(frame_to(kAll)));
}

TEST_F(FilterTest, WhatIsNoFrameIsNotPassedOn) {
  EXPECT_FALSE(filter.accepts(std::array<u8, 13>{}));
  EXPECT_FALSE(filter.accepts({}));
}

}  // namespace
}  // namespace backplane
