// SPDX-License-Identifier: MIT
// What a guest reaches of the host: what it was given, and no file and no port besides.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "guest_side.h"

namespace backplane::testing {
namespace {

class ReachTest : public UserNetworkTest {
 protected:
  ReachTest() : directory_(::testing::TempDir() + "backplane-tftp-" + std::to_string(getpid())) {
    std::filesystem::create_directories(directory_ + "/public");
    std::ofstream(directory_ + "/public/file") << "public";
    std::ofstream(directory_ + "/secret") << "secret";
  }
  ~ReachTest() override { std::filesystem::remove_all(directory_); }

  bool connects_to(u32 address, u16 port) {
    answers_for(kRouterAddress);  // which tells it where the guest is
    guest_.frames.clear();
    send_tcp(address, tcp_segment(port, kSyn));
    const std::vector<u8> answer = arriving(IPPROTO_TCP);
    return !answer.empty() && answer[kTransport + 13] == (kSyn | kAck);
  }
  // What a read request by TFTP is answered with. [RFC 1350]
  std::string read_by_tftp(const std::string& name) {
    answers_for(kRouterAddress);
    guest_.frames.clear();
    send_udp(kRouterAddress, 69, std::string("\0\1", 2) + name + std::string("\0octet\0", 7));
    const std::vector<u8> answer = arriving(IPPROTO_UDP);
    if (answer.size() < kUdpPayload + 4) return "nothing";
    if (load16(answer, kUdpPayload) != 3) return "an error";
    return {answer.begin() + kUdpPayload + 4,
            answer.begin() + kTransport + load16(answer, kTransport + 4)};
  }

  std::string directory_;
};

TEST_F(ReachTest, TheRoutersAddressLeadsToThisHost) {
  const Listener server;
  start();
  EXPECT_TRUE(connects_to(kRouterAddress, server.port()));
  EXPECT_TRUE(server.was_reached());
}

TEST_F(ReachTest, NotSoWithoutLoopback) {
  const Listener server;
  start({{"loopback", "off"}});
  EXPECT_FALSE(connects_to(kRouterAddress, server.port()));
  EXPECT_FALSE(server.was_reached());
}

TEST_F(ReachTest, ARestrictedGuestReachesNoPort) {
  const Listener server;
  start({{"restrict", "on"}});
  EXPECT_FALSE(connects_to(kRouterAddress, server.port()));
  EXPECT_FALSE(connects_to(0x7f00'0001, server.port()));
  EXPECT_FALSE(server.was_reached());
}

TEST_F(ReachTest, AddressesThatAreOnNoNetworkLeadNowhere) {
  const Listener server;
  start();
  for (const u32 address : {0x7f00'0001U, 0x7f01'0203U, 0U}) {
    EXPECT_FALSE(connects_to(address, server.port())) << address;
    EXPECT_FALSE(server.was_reached()) << address;
  }
}

TEST_F(ReachTest, FilesOfTheDirectoryAreReadAndNoOthers) {
  start({{"tftp", directory_ + "/public"}});
  EXPECT_EQ(read_by_tftp("file"), "public");
  EXPECT_EQ(read_by_tftp("/file"), "public");
  for (const std::string name :
       {"../secret", "/../secret", "x/../../secret", "..\\secret", "none", "../public/../secret"})
    EXPECT_EQ(read_by_tftp(name), "an error") << name;
  EXPECT_EQ(read_by_tftp(directory_ + "/secret"), "an error");
  EXPECT_EQ(read_by_tftp("/etc/passwd"), "an error");
}

TEST_F(ReachTest, WithoutADirectoryThereAreNoFiles) {
  start();
  for (const std::string name : {"file", "/etc/passwd", "etc/passwd"})
    EXPECT_EQ(read_by_tftp(name).find("root"), std::string::npos) << name;
}

TEST_F(ReachTest, ItIsOneOfIpv6WhereThatIsOn) {
  start({{"ipv6", "on"}, {"ipv6-net", "2001:db8::/64"}});
  EXPECT_EQ(network_->describe(), "user network 10.0.2.0/24 2001:db8::/64");
  EXPECT_EQ(network_->get_property("ipv6-host"), "2001:db8::2");
  EXPECT_THROW(backends_.add(kNetdevKind, "user", "a", {{"ipv6-host", "fec1::2"}}), Error);
  EXPECT_THROW(backends_.add(kNetdevKind, "user", "a", {{"ipv4", "off"}}), Error);
}

}  // namespace
}  // namespace backplane::testing
