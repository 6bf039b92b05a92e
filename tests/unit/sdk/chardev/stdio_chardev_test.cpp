// SPDX-License-Identifier: MIT
#include <poll.h>

#include <atomic>
#include <future>

#include "chardev_fixture.h"
#include "standard_streams.h"

namespace backplane {
namespace {

class StdioChardevTest : public ChardevTest {
 protected:
  ChardevPtr open() { return create_chardev_from_text("stdio", "stdio"); }
  static std::string read_all(int fd) {
    std::string text;
    char buffer[1000];
    for (ssize_t size; (size = read(fd, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(size));
    return text;
  }

  Pipe in, out;
  StandardStreams streams{in.reader.get(), out.writer.get()};
  RecordingClient client;
};

TEST_F(StdioChardevTest, CarriesBytesBothWays) {
  const auto device = open();
  device->set_client(&client);
  send(in.writer.get(), "typed");
  write(*device, "shown");
  EXPECT_TRUE(run_until([&] { return client.received == "typed"; }));
  char shown[5];
  ASSERT_EQ(read(out.reader.get(), shown, sizeof shown), 5);
  EXPECT_EQ(std::string_view(shown, 5), "shown");
}

TEST_F(StdioChardevTest, TellsAClientThatItIsConnectedAfterItsConstruction) {
  const auto device = open();
  device->set_client(&client);
  EXPECT_TRUE(client.events.empty());
  settle();
  EXPECT_TRUE(client.saw(ChardevClient::Event::Opened));
}

TEST_F(StdioChardevTest, GivesAClientNoMoreThanItHasRoomFor) {
  const auto device = open();
  client.room = 3;
  device->set_client(&client);
  send(in.writer.get(), "abcdef");
  EXPECT_TRUE(run_until([&] { return client.received == "abc"; }));
  EXPECT_TRUE(settle());
  client.room = 2;
  device->accept_input();
  EXPECT_TRUE(run_until([&] { return client.received == "abcde"; }));
}

TEST_F(StdioChardevTest, DoesNotSpinAtTheEndOfInput) {
  const auto device = open();
  device->set_client(&client);
  send(in.writer.get(), "last");
  in.writer.reset();
  EXPECT_TRUE(run_until([&] { return client.received == "last"; }));
  EXPECT_TRUE(settle());
  device->accept_input();
  EXPECT_TRUE(settle());
  EXPECT_FALSE(client.saw(ChardevClient::Event::Closed));
}

TEST_F(StdioChardevTest, LosesNothingOnASlowReaderAlsoAtTheEnd) {
  const std::string text = pattern(3'000'000);
  auto device = open();
  std::atomic<bool> start{false};
  auto reader = std::async(std::launch::async, [&] {
    start.wait(false);
    return read_all(out.reader.get());
  });
  // Nobody reads yet: none of this may block.
  for (std::size_t at = 0; at < text.size(); at += 1000)
    write(*device, std::string_view(text).substr(at, 1000));
  EXPECT_GT(device->pending(), 2'000'000u);
  start = true;
  start.notify_all();
  device.reset();
  out.writer.reset();
  close(STDOUT_FILENO);
  EXPECT_EQ(reader.get(), text);
}

TEST_F(StdioChardevTest, SendsWhatIsPendingFromTheLoop) {
  const std::string text = pattern(300'000);
  const auto device = open();
  write(*device, text);
  std::string shown;
  fcntl(out.reader.get(), F_SETFL, O_NONBLOCK);
  EXPECT_TRUE(run_until([&] {
    shown += read_now(out.reader.get());
    return shown.size() == text.size();
  }));
  EXPECT_EQ(shown, text);
  EXPECT_EQ(device->pending(), 0u);
  EXPECT_TRUE(settle());
}

TEST_F(StdioChardevTest, LeavesTheDescriptorsAsTheyAre) {
  const auto device = open();
  EXPECT_EQ(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(StdioChardevTest, SurvivesAReaderThatLeaves) {
  const auto device = open();
  write(*device, pattern(200'000));
  out.reader.reset();
  EXPECT_TRUE(run_until([&] { return device->pending() == 0; }));
  write(*device, "more");
  EXPECT_TRUE(settle());
}

TEST_F(StdioChardevTest, ReadsAFileToItsEnd) {
  std::ofstream(path("in")) << "script";
  const UniqueFd file(::open(path("in").c_str(), O_RDONLY));
  const StandardStreams more(file.get(), out.writer.get());
  const auto device = open();
  device->set_client(&client);
  EXPECT_TRUE(run_until([&] { return client.received == "script"; }));
  EXPECT_TRUE(settle());
}

TEST_F(StdioChardevTest, WritesToAFile) {
  const UniqueFd file(::open(path("out").c_str(), O_WRONLY | O_CREAT, 0600));
  const StandardStreams more(in.reader.get(), file.get());
  write(*open(), "kept");
  EXPECT_EQ(content(path("out")), "kept");
}

TEST_F(StdioChardevTest, WithoutAClientInputWaits) {
  const auto device = open();
  send(in.writer.get(), "early");
  settle();
  device->set_client(&client);
  EXPECT_TRUE(run_until([&] { return client.received == "early"; }));
}

}  // namespace
}  // namespace backplane
