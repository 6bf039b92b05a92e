// SPDX-License-Identifier: MIT
#include "settings.h"

#include <gtest/gtest.h>

#include "backplane/error.h"

namespace backplane {
namespace {

TEST(UserNetworkSettingsTest, ANetworkIsAnAddressAndAPrefix) {
  using Traits = PropertyTraits<Ipv4Network>;
  EXPECT_EQ(Traits::print({}), "10.0.2.0/24");
  EXPECT_EQ(Traits::print(Traits::parse("192.168.7.9/28")), "192.168.7.0/28");
  EXPECT_EQ(Traits::print(Traits::parse("192.168.7.0")), "192.168.7.0/24");
  for (const char* text : {"", "10.0.2", "10.0.2.0/7", "10.0.2.0/31", "10.0.2.0/", "a/24"})
    EXPECT_THROW(Traits::parse(text), Error) << text;
}

TEST(UserNetworkSettingsTest, AForwardedPortLeavesOutWhatIsMeantAnyway) {
  for (const char* text :
       {"tcp::8080-:80", "udp:127.0.0.1:53-10.0.2.15:53", "tcp:127.0.0.1:1-:65535"})
    EXPECT_EQ(parse_port_forward(text).text(), text);
  EXPECT_EQ(parse_port_forward(":127.0.0.1:22-:22").text(), "tcp:127.0.0.1:22-:22");
}

TEST(UserNetworkSettingsTest, AForwardedPortThatIsNoneIsRefused) {
  for (const char* text : {"", "tcp", "tcp:8080-:80", "sctp::1-:2", "tcp::0-:80", "tcp::80-:0",
                           "tcp::65536-:1", "tcp::80-80", "tcp:localhost:80-:80", "tcp::80-:80x"})
    EXPECT_THROW(parse_port_forward(text), Error) << text;
}

TEST(UserNetworkSettingsTest, ANetworkByIpv6IsAPrefixAndItsLength) {
  using Traits = PropertyTraits<Ipv6Network>;
  EXPECT_EQ(Traits::print({}), "fec0::/64");
  EXPECT_EQ(Traits::print(Traits::parse("2001:db8:ffff::5/33")), "2001:db8:8000::/33");
  EXPECT_TRUE(
      Traits::parse("2001:db8::/32").contains(PropertyTraits<Ipv6Address>::parse("2001:db8:1::1")));
  EXPECT_FALSE(
      Traits::parse("2001:db8::/32").contains(PropertyTraits<Ipv6Address>::parse("2001:db9::1")));
  for (const char* text : {"", "::", "fec0::/121", "fec0::/x", "10.0.2.0/24"})
    EXPECT_THROW(Traits::parse(text), Error) << text;
}

TEST(UserNetworkSettingsTest, WhatTheGuestReachesIsAnAddressAndATarget) {
  for (const char* text : {"tcp:10.0.2.100:80-cmd:cat -n", "tcp:10.0.2.100:80-unix:/run/a-b",
                           "tcp:10.0.2.9:1-chardev:c"})
    EXPECT_EQ(parse_guest_forward(text).text(), text);
  for (const char* text :
       {"", "tcp:10.0.2.100:80", "udp:10.0.2.100:80-cmd:cat", "tcp::80-cmd:cat",
        "tcp:10.0.2.100:0-cmd:cat", "tcp:10.0.2.100:80-cmd:", "tcp:10.0.2.100:80-tcp:1.2.3.4:5"})
    EXPECT_THROW(parse_guest_forward(text), Error) << text;
}

}  // namespace
}  // namespace backplane
