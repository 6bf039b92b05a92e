// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <thread>

#include "backplane/error.h"
#include "served_disk.h"

namespace backplane::testing {
namespace {

TEST_F(ServedDiskTest, WhatIsWrittenIsOnTheServersDisk) {
  start_server();
  BlockNode& disk = open();
  EXPECT_EQ(disk.size(), kSize);
  // Longer than a request can be, and in pieces.
  const std::vector<u8> bytes = pattern(35_MiB, 1);
  std::vector<u8> first(bytes.begin(), bytes.begin() + 512), rest(bytes.begin() + 512, bytes.end());
  const iovec iov[] = {{first.data(), first.size()}, {rest.data(), rest.size()}};
  ASSERT_EQ(disk.write(1_MiB, iov), 0);
  ASSERT_EQ(disk.flush(), 0);
  std::vector<u8> back(bytes.size());
  ASSERT_EQ(exported.node->read(1_MiB, back.data(), back.size()), 0);
  EXPECT_TRUE(back == bytes);
  back.assign(back.size(), 0);
  ASSERT_EQ(disk.read(1_MiB, back.data(), back.size()), 0);
  EXPECT_TRUE(back == bytes);
}

TEST_F(ServedDiskTest, HolesAreSeenAndMade) {
  start_server();
  BlockNode& disk = open();
  const std::vector<u8> bytes = pattern(2_MiB, 2);
  ASSERT_EQ(disk.write(0, bytes.data(), bytes.size()), 0);
  ASSERT_EQ(disk.write_zeroes(1_MiB, 1_MiB, true), 0);
  Extent extent;
  ASSERT_EQ(extent_of(disk, 0, kSize, extent), 0);
  EXPECT_EQ(extent.size, 1_MiB);
  EXPECT_TRUE(extent.data && !extent.zero);
  ASSERT_EQ(extent_of(disk, 1_MiB, kSize - 1_MiB, extent), 0);
  EXPECT_EQ(extent.size, kSize - 1_MiB);
  EXPECT_TRUE(!extent.data && extent.zero);
  EXPECT_EQ(disk.discard(0, 1_MiB), 0);
  ASSERT_EQ(extent_of(*exported.node, 0, kSize, extent), 0);
  EXPECT_EQ(extent.size, kSize);
}

TEST_F(ServedDiskTest, ManyRequestsAreInFlight) {
  start_server();
  BlockNode& disk = open();
  std::vector<std::thread> threads;
  for (u32 n = 0; n < 8; ++n)
    threads.emplace_back([&disk, n] {
      const std::vector<u8> bytes = pattern(16_KiB, n);
      std::vector<u8> back(bytes.size());
      for (u32 i = 0; i < 64; ++i) {
        const u64 offset = (n * 64 + i) * 16_KiB;
        EXPECT_EQ(disk.write(offset, bytes.data(), bytes.size()), 0);
        EXPECT_EQ(disk.read(offset, back.data(), back.size()), 0);
        EXPECT_TRUE(back == bytes);
      }
    });
  for (std::thread& one : threads) one.join();
}

TEST_F(ServedDiskTest, WhatTheServerForbidsIsReadOnly) {
  exported.read_only = true;
  start_server();
  EXPECT_NE(refusal({{"read-only", "off"}}).find("is read-only"), std::string::npos);
  EXPECT_TRUE(open().read_only());
}

TEST_F(ServedDiskTest, ExportsHaveNames) {
  exported.name = "a disk";
  start_server();
  const std::string uri = "nbd+unix:///a%20disk?socket=" + place.path;
  EXPECT_EQ(refusal({{"export", "other"}}), "unix:" + place.path +
                                                ": the export 'other' cannot be had: there is no "
                                                "such export");
  EXPECT_EQ(open({{"filename", uri}}).where(), uri);
}

// A TCP port that nobody listens at, neither by IPv4 nor by IPv6; 0: this host has not both.
unsigned free_port() {
  for (const char* const host : {"127.0.0.1", "::1"}) try {
      nbd::listen_at({.path = {}, .host = host, .port = "10809"});
    } catch (const Error& error) {
      if (std::string_view(error.what()).find("in use") == std::string_view::npos) return 0;
    }
  for (unsigned port = 10810; port < 10900; ++port) try {
      nbd::listen_at({.path = {}, .host = {}, .port = std::to_string(port)});
      return port;
    } catch (const Error&) {
      continue;
    }
  return 0;
}

TEST_F(ServedDiskTest, IsServedAtAllAddressesThatANameStandsFor) {
  const unsigned port = free_port();
  if (port == 0) GTEST_SKIP() << "this host has no addresses of both families";
  place = {.path = {}, .host = {}, .port = std::to_string(port)};
  start_server();
  for (const char* const host : {"127.0.0.1", "::1"}) {
    open({{"filename", fmt::format("nbd://[{}]:{}", host, port)}});
    backends.remove("disk");
    node = nullptr;
  }
}

TEST_F(ServedDiskTest, WhereTheServerIsHasToBeSaidOnce) {
  EXPECT_NE(refusal({{"filename", "nbd://host"}, {"host", "other"}}).find("expects one of them"),
            std::string::npos);
  EXPECT_NE(refusal({{"server.host", "host"}}).find("server.path"), std::string::npos);
}

}  // namespace
}  // namespace backplane::testing
