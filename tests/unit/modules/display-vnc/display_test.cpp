// SPDX-License-Identifier: MIT
// The display at its socket: who is let in, and who has to go.
#include "backplane/display.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "backplane/error.h"
#include "backplane/testing/scratch_directory.h"
#include "backplane/testing/test_machine.h"

namespace backplane::testing {
namespace {

// A viewer's end of a connection.
class Viewer {
 public:
  explicit Viewer(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Viewer() { close(fd_); }
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  void say(std::string_view text) {
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  void shake_hands(bool shared = true) {
    say(std::string("RFB 003.008\n\x01") + (shared ? '\1' : '\0'));
  }
  // Whether the display has let go of it.
  bool is_alone() {
    std::array<char, 4096> bytes;
    ssize_t size = 0;
    while ((size = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0)
      heard_ += static_cast<std::size_t>(size);
    return size == 0 || errno == ECONNRESET;
  }
  std::size_t heard() {
    is_alone();
    return heard_;
  }

 private:
  int fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::size_t heard_ = 0;  // bytes
};

class VncDisplayTest : public ::testing::Test {
 protected:
  VncDisplayTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))) {}
  ~VncDisplayTest() override { machine_.remove_child(backends_); }

  using Properties = std::vector<std::pair<std::string, std::string>>;
  Display& open(Properties properties = {}) {
    properties.emplace_back("address", "unix:" + path_);
    return dynamic_cast<Display&>(backends_.add(kDisplayKind, "vnc", "screen", properties));
  }
  bool comes_to(const std::function<bool()>& holds) { return machine_.run_main_loop_until(holds); }
  static std::size_t clients(const Display& display) {
    const Value status = display.status();
    return status.find("clients")->as_list().size();
  }

  TestMachine machine_;
  Backends& backends_;
  ScratchDirectory directory_;
  std::string path_ = directory_ / "vnc";
};

constexpr std::size_t kVersionLength = 12, kInitLength = 12 + 2 + 4 + 24 + 9;

TEST_F(VncDisplayTest, LetsInWhoShakesHands) {
  const Display& display = open();
  Viewer viewer(path_);
  EXPECT_TRUE(comes_to([&] { return viewer.heard() == kVersionLength; }));
  EXPECT_EQ(clients(display), 0U);
  viewer.shake_hands();
  EXPECT_TRUE(comes_to([&] { return viewer.heard() == kInitLength; }));
  EXPECT_EQ(clients(display), 1U);
}

TEST_F(VncDisplayTest, LetsGoOfWhoDoesNotShakeHandsInTime) {
  const Display& display = open({{"handshake-timeout", "1"}});
  Viewer quick(path_), slow(path_);
  quick.shake_hands();
  slow.say("RFB 003.008\n");
  EXPECT_TRUE(comes_to([&] { return slow.is_alone(); }));
  EXPECT_FALSE(quick.is_alone());
  EXPECT_EQ(clients(display), 1U);
}

TEST_F(VncDisplayTest, HasRoomForSoManyAndNoMore) {
  open();
  std::list<Viewer> viewers;
  for (unsigned n = 0; n < 32; ++n) {
    Viewer& viewer = viewers.emplace_back(path_);
    ASSERT_TRUE(comes_to([&] { return viewer.heard() == kVersionLength; })) << n;
  }
  Viewer one_more(path_);
  EXPECT_TRUE(comes_to([&] { return one_more.is_alone(); }));
  EXPECT_EQ(one_more.heard(), 0U);
  viewers.pop_front();
  machine_.run_main_loop();
  Viewer next(path_);
  EXPECT_TRUE(comes_to([&] { return next.heard() == kVersionLength; }));
}

TEST_F(VncDisplayTest, WhoWantsTheScreenAloneHasTheOthersGo) {
  open();
  Viewer first(path_), second(path_);
  first.shake_hands();
  EXPECT_TRUE(comes_to([&] { return first.heard() == kInitLength; }));
  second.shake_hands(false);
  EXPECT_TRUE(comes_to([&] { return first.is_alone(); }));
  EXPECT_EQ(second.heard(), kInitLength);
}

TEST_F(VncDisplayTest, WhoWantsTheScreenAloneIsNotLetInWhereItIsShared) {
  open({{"share", "force-shared"}});
  Viewer first(path_), second(path_);
  first.shake_hands();
  EXPECT_TRUE(comes_to([&] { return first.heard() == kInitLength; }));
  second.shake_hands(false);
  EXPECT_TRUE(comes_to([&] { return second.is_alone(); }));
  EXPECT_FALSE(first.is_alone());
}

// A port of this host, held for as long as this lives.
class TakenPort {
 public:
  explicit TakenPort(unsigned port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<u16>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    has_it_ = bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
              listen(fd_, 1) == 0;
  }
  ~TakenPort() { close(fd_); }
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;
  bool has_it() const { return has_it_; }

 private:
  int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool has_it_ = false;
};

TEST_F(VncDisplayTest, TakesTheNextNumberWhereThePortForBrowsersIsInUse) {
  constexpr unsigned kNumber = 3210;
  const TakenPort taken(5700 + kNumber);
  if (!taken.has_it() || !TakenPort(5900 + kNumber).has_it())
    GTEST_SKIP() << "the ports are in use";
  const auto address = fmt::format("127.0.0.1:{}", kNumber);
  const auto open_at = [&](const std::string& last) -> Display& {
    return dynamic_cast<Display&>(backends_.add(
        kDisplayKind, "vnc", "screen", {{"address", address}, {"to", last}, {"websocket", "on"}}));
  };
  EXPECT_THROW(open_at(std::to_string(kNumber)), Error);
  const Value status = open_at(std::to_string(kNumber + 50)).status();
  EXPECT_GT(std::stoul(status.find("service")->as_string()), 5900 + kNumber);
}

}  // namespace
}  // namespace backplane::testing
