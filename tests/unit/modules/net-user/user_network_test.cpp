// SPDX-License-Identifier: MIT
// The router as a guest sees it, frame by frame.
#include "guest_side.h"

namespace backplane::testing {
namespace {

TEST_F(UserNetworkTest, TheRouterAnswersForItsAddresses) {
  start();
  EXPECT_TRUE(answers_for(0x0a00'0202));
  EXPECT_TRUE(answers_for(0x0a00'0203));
  EXPECT_FALSE(answers_for(0x0a00'0207));
}

TEST_F(UserNetworkTest, AnotherNetworkHasItsRouterAtTheSamePlace) {
  start({{"net", "192.168.50.0/24"}});
  EXPECT_TRUE(answers_for(0xc0a8'3202));
  EXPECT_FALSE(answers_for(0x0a00'0202));
  EXPECT_EQ(network_->describe(), "user network 192.168.50.0/24");
}

TEST_F(UserNetworkTest, AddressesOutsideOfTheNetworkAreRefused) {
  EXPECT_THROW(start({{"host", "10.0.3.2"}}), Error);
  EXPECT_THROW(start({{"dns", "10.0.2.2"}}), Error);
  EXPECT_THROW(start({{"dhcpstart", "192.168.0.1"}}), Error);
  EXPECT_THROW(start({{"tftp", "/nonexistent"}}), Error);
  EXPECT_TRUE(backends_.children().empty());
}

TEST_F(UserNetworkTest, ForwardedPortsAccumulateAndAreListenedOn) {
  start({{"hostfwd", "tcp:127.0.0.1:27611-:80"}, {"hostfwd", "udp:127.0.0.1:27612-:81"}});
  EXPECT_EQ(network_->get_property("hostfwd"), "tcp:127.0.0.1:27611-:80 udp:127.0.0.1:27612-:81");
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(27611);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  // The router asks who has the guest's address, to pass the connection on.
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return !guest_.frames.empty(); }));
  close(fd);
}

TEST_F(UserNetworkTest, APortThatIsTakenIsRefusedWithTheReason) {
  start({{"hostfwd", "tcp:127.0.0.1:27613-:80"}});
  try {
    backends_.add(kNetdevKind, "user", "net1", {{"hostfwd", "tcp:127.0.0.1:27613-:80"}});
    ADD_FAILURE() << "was accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "hostfwd=tcp:127.0.0.1:27613-:80: cannot listen on this port: Address already in "
                 "use");
  }
}

TEST_F(UserNetworkTest, FramesThatMakeNoSenseHarmNothing) {
  start();
  for (const std::size_t size : {0U, 1U, 13U, 14U, 20U, 65550U}) {
    send(std::vector<u8>(size, 0xff));
    send(std::vector<u8>(size, 0x00));
  }
  std::vector<u8> cut = arp_request(0x0a00'0202);
  cut.resize(20);
  send(cut);
  EXPECT_TRUE(answers_for(0x0a00'0202));
}

}  // namespace
}  // namespace backplane::testing
