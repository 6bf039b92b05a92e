// SPDX-License-Identifier: MIT
#include "chardev_fixture.h"
#include "file/linux/unique_fd.h"

namespace backplane {
namespace {

using Event = ChardevClient::Event;

class PtyChardevTest : public ChardevTest {
 protected:
  PtyChardevTest() {
    device->set_client(&client);
    settle();
  }
  UniqueFd open_terminal() {
    UniqueFd fd(open(name.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK));
    EXPECT_TRUE(fd);
    EXPECT_TRUE(run_until([&] { return client.saw(Event::Opened); }));
    return fd;
  }

  ChardevPtr device = create_chardev_from_text("pty0", "pty");
  std::string name = device->describe().substr(4);
  RecordingClient client;
};

TEST_F(PtyChardevTest, CarriesBytesBothWaysUnchanged) {
  const UniqueFd terminal = open_terminal();
  send(terminal.get(), "\r\n\x03\x04\x11\x7f");
  EXPECT_TRUE(run_until([&] { return client.received == "\r\n\x03\x04\x11\x7f"; }));
  write(*device, "a\nb\r");
  std::string shown;
  EXPECT_TRUE(run_until([&] { return (shown += read_now(terminal.get())).size() == 4; }));
  EXPECT_EQ(shown, "a\nb\r");
}

TEST_F(PtyChardevTest, IsNotOpenUntilSomebodyIsThere) {
  EXPECT_TRUE(client.events.empty());
  write(*device, "lost");
  EXPECT_EQ(device->pending(), 0u);
  const UniqueFd terminal = open_terminal();
  settle();
  EXPECT_EQ(read_now(terminal.get()), "");
}

TEST_F(PtyChardevTest, SurvivesComingAndGoing) {
  for (int round = 0; round < 3; ++round) {
    client.events.clear();
    UniqueFd terminal = open_terminal();
    write(*device, "hello");
    std::string shown;
    EXPECT_TRUE(run_until([&] { return (shown += read_now(terminal.get())).size() == 5; }));
    terminal.reset();
    EXPECT_TRUE(run_until([&] { return client.saw(Event::Closed); }));
    EXPECT_TRUE(settle());
  }
}

TEST_F(PtyChardevTest, KeepsWhatWasTypedBeforeTheTerminalWasClosed) {
  client.room = 0;
  {
    const UniqueFd terminal = open_terminal();
    send(terminal.get(), "command");
  }
  settle();
  write(*device, pattern(100'000));
  EXPECT_EQ(device->pending(), 0u);
  client.room = RecordingClient::kUnlimited;
  device->accept_input();
  EXPECT_TRUE(run_until([&] { return client.saw(Event::Closed); }));
  EXPECT_EQ(client.received, "command");
}

TEST_F(PtyChardevTest, CanHaveALinkToIt) {
  const std::string link = path("console");
  {
    const auto named = create_chardev("pty", "pty1", {{"path", link}});
    EXPECT_EQ("pty:" + std::filesystem::read_symlink(link).string(), named->describe());
    EXPECT_NE(message_of([&] {
                create_chardev("pty", "pty2", {{"path", link}});
              }).find(link),
              std::string::npos);
    EXPECT_TRUE(std::filesystem::is_symlink(link));
  }
  EXPECT_FALSE(std::filesystem::is_symlink(link));
}

}  // namespace
}  // namespace backplane
