// SPDX-License-Identifier: MIT
// The router as a guest sees it, frame by frame.
#include "user_network.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "backplane/testing/test_machine.h"

namespace backplane::testing {
namespace {

constexpr std::array<u8, 6> kGuest{0x52, 0x54, 0, 0x12, 0x34, 0x56};

// Who has the address? [RFC 826]
std::vector<u8> arp_request(u32 address) {
  std::vector<u8> frame(42);
  std::fill_n(frame.begin(), 6, u8{0xff});
  std::copy(kGuest.begin(), kGuest.end(), frame.begin() + 6);
  const std::array<u8, 10> header{0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1};
  std::copy(header.begin(), header.end(), frame.begin() + 12);
  std::copy(kGuest.begin(), kGuest.end(), frame.begin() + 22);
  const u32 own = htonl(0x0a00'020f);
  const u32 wanted = htonl(address);
  std::memcpy(&frame[28], &own, 4);
  std::memcpy(&frame[38], &wanted, 4);
  return frame;
}

struct Guest final : NetClient {
  bool receive(std::span<const u8> frame) override {
    frames.emplace_back(frame.begin(), frame.end());
    return true;
  }
  std::vector<std::vector<u8>> frames;
};

class UserNetworkTest : public ::testing::Test {
 protected:
  UserNetworkTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))) {}
  ~UserNetworkTest() override {
    if (network_ != nullptr) network_->set_client(nullptr);
    machine_.remove_child(backends_);
  }

  using Properties = std::vector<std::pair<std::string, std::string>>;
  void start(const Properties& properties = {}) {
    network_ = &dynamic_cast<Netdev&>(backends_.add(kNetdevKind, "user", "net0", properties));
    network_->set_client(&guest_);
  }
  void send(std::vector<u8> frame) {
    const iovec piece{frame.data(), frame.size()};
    network_->send({&piece, 1});
  }
  bool answers_for(u32 address) {
    guest_.frames.clear();
    send(arp_request(address));
    machine_.run_main_loop();
    return !guest_.frames.empty() && guest_.frames[0][12] == 0x08 && guest_.frames[0][13] == 0x06 &&
           guest_.frames[0][21] == 2;
  }

  TestMachine machine_;
  Backends& backends_;
  Netdev* network_ = nullptr;
  Guest guest_;
};

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
  start({{"hostfwd", "tcp:127.0.0.1:47611-:80"}, {"hostfwd", "udp:127.0.0.1:47612-:81"}});
  EXPECT_EQ(network_->get_property("hostfwd"), "tcp:127.0.0.1:47611-:80 udp:127.0.0.1:47612-:81");
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(47611);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  // The router asks who has the guest's address, to pass the connection on.
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return !guest_.frames.empty(); }));
  close(fd);
}

TEST_F(UserNetworkTest, APortThatIsTakenIsRefusedWithTheReason) {
  start({{"hostfwd", "tcp:127.0.0.1:47613-:80"}});
  try {
    backends_.add(kNetdevKind, "user", "net1", {{"hostfwd", "tcp:127.0.0.1:47613-:80"}});
    ADD_FAILURE() << "was accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "hostfwd=tcp:127.0.0.1:47613-:80: cannot listen on this port: Address already in "
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
