// SPDX-License-Identifier: MIT
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <future>

#include "backplane/descriptors.h"
#include "chardev/linux/socket_address.h"
#include "chardev_fixture.h"

namespace backplane {
namespace {

using Event = ChardevClient::Event;

class SocketChardevTest : public ChardevTest {
 protected:
  SocketAddress unix_address() const { return {.path = path("socket")}; }
  ChardevPtr serve(const std::string& text) {
    auto device = create_chardev_from_text("c", text + ",server=on,wait=off");
    device->set_client(&client);
    return device;
  }
  ChardevPtr serve_unix() { return serve("unix:" + path("socket")); }
  bool opened(std::ptrdiff_t times) {
    return run_until([&] {
      return std::count(client.events.begin(), client.events.end(), Event::Opened) == times;
    });
  }
  // The connection that is made, or being made.
  UniqueFd accept_soon(const UniqueFd& listener) {
    UniqueFd peer;
    run_until([&] {
      peer.reset(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      return static_cast<bool>(peer);
    });
    return peer;
  }
  std::string receive(int fd, std::size_t size) {
    std::string text;
    run_until([&] { return (text += read_now(fd)).size() >= size; });
    return text;
  }

  RecordingClient client;
};

TEST_F(SocketChardevTest, ServesAPeerOnAUnixSocket) {
  const auto device = serve_unix();
  const UniqueFd peer = unix_address().connect();
  EXPECT_TRUE(opened(1));
  send(peer.get(), "in");
  write(*device, "out");
  EXPECT_TRUE(run_until([&] { return client.received == "in"; }));
  EXPECT_EQ(receive(peer.get(), 3), "out");
}

TEST_F(SocketChardevTest, ServesAPeerOnTcp) {
  const auto device = serve("tcp:127.0.0.1:0");
  const std::string port = device->describe().substr(14, device->describe().find(',') - 14);
  const UniqueFd peer = SocketAddress{.host = "127.0.0.1", .port = port}.connect();
  EXPECT_TRUE(opened(1));
  write(*device, "out");
  EXPECT_EQ(receive(peer.get(), 3), "out");
}

TEST_F(SocketChardevTest, ServesAPeerOnTcpOverIpv6) {
  const auto device = serve("tcp:[::1]:0");
  const std::string text = device->describe();  // "tcp:[::1]:PORT,server=on (waiting)"
  ASSERT_TRUE(text.starts_with("tcp:[::1]:")) << text;
  const std::string port = text.substr(10, text.find(',') - 10);
  const UniqueFd peer = SocketAddress{.host = "::1", .port = port}.connect();
  EXPECT_TRUE(opened(1));
  send(peer.get(), "in");
  write(*device, "out");
  EXPECT_TRUE(run_until([&] { return client.received == "in"; }));
  EXPECT_EQ(receive(peer.get(), 3), "out");
}

TEST_F(SocketChardevTest, WithoutAHostServesBothFamilies) {
  const auto device = serve("tcp::0");
  const std::string text = device->describe();
  const auto colon = text.rfind(':');
  const std::string port = text.substr(colon + 1, text.find(',') - colon - 1);
  std::ptrdiff_t times = 0;
  for (const char* host : {"127.0.0.1", "::1"}) {
    const UniqueFd peer = SocketAddress{.host = host, .port = port}.connect();
    EXPECT_TRUE(opened(++times)) << host;
    write(*device, host);
    EXPECT_EQ(receive(peer.get(), std::strlen(host)), host);
  }
}

TEST_F(SocketChardevTest, LetsTheNextPeerInWhenOneLeaves) {
  const auto device = serve_unix();
  UniqueFd first = unix_address().connect();
  EXPECT_TRUE(opened(1));
  const UniqueFd second = unix_address().connect();
  write(*device, "first");
  EXPECT_EQ(receive(first.get(), 5), "first");
  first.reset();
  EXPECT_TRUE(opened(2));
  EXPECT_TRUE(client.saw(Event::Closed));
  write(*device, "second");
  EXPECT_EQ(receive(second.get(), 6), "second");
}

TEST_F(SocketChardevTest, DropsOutputWhileNobodyIsThere) {
  const auto device = serve_unix();
  write(*device, "lost");
  const UniqueFd peer = unix_address().connect();
  EXPECT_TRUE(opened(1));
  write(*device, "seen");
  EXPECT_EQ(receive(peer.get(), 4), "seen");
}

TEST_F(SocketChardevTest, AnswersAPeerThatHasFinishedSending) {
  const auto device = serve_unix();
  const UniqueFd peer = unix_address().connect();
  EXPECT_TRUE(opened(1));
  send(peer.get(), "ask");
  shutdown(peer.get(), SHUT_WR);
  EXPECT_TRUE(run_until([&] {
    if (client.received != "ask") return false;
    write(*device, "answer");
    return true;
  }));
  EXPECT_EQ(receive(peer.get(), 6), "answer");
}

TEST_F(SocketChardevTest, LosesNothingOnASlowPeer) {
  const std::string text = pattern(2'000'000);
  auto device = serve_unix();
  const UniqueFd peer = unix_address().connect();
  EXPECT_TRUE(opened(1));
  write(*device, text);
  EXPECT_GT(device->pending(), 0u);
  EXPECT_EQ(receive(peer.get(), text.size()), text);
}

TEST_F(SocketChardevTest, SurvivesAPeerThatVanishesWhileItIsWrittenTo) {
  const auto device = serve_unix();
  UniqueFd peer = unix_address().connect();
  EXPECT_TRUE(opened(1));
  client.room = 0;  // the end of input is not seen
  write(*device, pattern(1'000'000));
  send(peer.get(), "unread");
  peer.reset();
  EXPECT_TRUE(run_until([&] { return client.saw(Event::Closed); }));
  EXPECT_EQ(device->pending(), 0u);
  client.room = RecordingClient::kUnlimited;
  const UniqueFd next = unix_address().connect();
  EXPECT_TRUE(opened(2));
}

TEST_F(SocketChardevTest, WaitsForTheFirstPeerIfAsked) {
  auto peer = std::async(std::launch::async, [this] {
    for (;;) {
      try {
        return unix_address().connect();
      } catch (const Error&) {
        std::this_thread::yield();
      }
    }
  });
  const auto device = create_chardev_from_text("c", "unix:" + path("socket") + ",server=on");
  write(*device, "at once");
  EXPECT_EQ(receive(peer.get().get(), 7), "at once");
}

TEST_F(SocketChardevTest, ConnectsAsAClient) {
  const UniqueFd listener = unix_address().listen();
  const auto device = create_chardev_from_text("c", "unix:" + path("socket"));
  device->set_client(&client);
  UniqueFd server(accept(listener.get(), nullptr, nullptr));
  send(server.get(), "hello");
  EXPECT_TRUE(run_until([&] { return client.received == "hello"; }));
  server.reset();
  EXPECT_TRUE(run_until([&] { return client.saw(Event::Closed); }));
}

TEST_F(SocketChardevTest, ClientComesBackIfAsked) {
  const UniqueFd listener = unix_address().listen();
  const auto device = create_chardev_from_text("c", "unix:" + path("socket") + ",reconnect-ms=1");
  device->set_client(&client);
  { const UniqueFd first(accept4(listener.get(), nullptr, nullptr, 0)); }
  EXPECT_TRUE(run_until([&] { return client.saw(Event::Closed); }));
  EXPECT_TRUE(opened(2));
}

TEST_F(SocketChardevTest, ClientComesBackToATcpServerThatWasStartedAnew) {
  for (const char* host : {"127.0.0.1", "[::1]"}) {
    client = {};
    UniqueFd listener = SocketAddress{.host = host[0] == '[' ? "::1" : host, .port = "0"}.listen();
    const SocketAddress address = local_address(listener.get());
    const auto device =
        create_chardev_from_text("c", fmt::format("tcp:{}:{},reconnect-ms=1", host, address.port));
    device->set_client(&client);
    UniqueFd peer(accept_soon(listener));
    write(*device, "one");
    EXPECT_EQ(receive(peer.get(), 3), "one");
    // The server goes, and comes back after attempts that were refused.
    listener.reset();
    peer.reset();
    EXPECT_TRUE(run_until([&] { return client.saw(Event::Closed); }));
    for (unsigned n = 0; n < 20; ++n) loop.iterate(false);
    write(*device, "lost");
    listener = address.listen();
    peer = accept_soon(listener);
    EXPECT_TRUE(opened(2));
    write(*device, "two");
    EXPECT_EQ(receive(peer.get(), 3), "two");
    send(peer.get(), "back");
    EXPECT_TRUE(run_until([&] { return client.received == "back"; }));
    device->set_client(nullptr);
  }
}

TEST_F(SocketChardevTest, AHostThatDoesNotAnswerKeepsNobodyWaiting) {
  // A listener whose queue is full takes no connection, and does not refuse it.
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  };
  const auto threads_before = threads();
  UniqueFd listener = SocketAddress{.host = "127.0.0.1", .port = "0"}.listen();
  const SocketAddress address = local_address(listener.get());
  std::vector<UniqueFd> queue;
  for (unsigned n = 0; n < 4; ++n) {
    queue.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(static_cast<u16>(std::stoi(address.port)));
    connect(queue.back().get(), reinterpret_cast<sockaddr*>(&name), sizeof name);
  }
  {
    const auto device =
        create_chardev_from_text("c", fmt::format("tcp:127.0.0.1:{},reconnect-ms=1", address.port));
    device->set_client(&client);
    bool turned = false;
    loop.post([&] { turned = true; });
    EXPECT_TRUE(run_until([&] { return turned; }));
    EXPECT_FALSE(client.saw(Event::Opened));
    write(*device, "lost");
  }
  // The attempt that was given up is refused now, and ends before the program does.
  queue.clear();
  listener.reset();
  EXPECT_TRUE(run_until([&] { return threads() == threads_before; }));
}

TEST_F(SocketChardevTest, ReplacesASocketThatNobodyListensOn) {
  unix_address().listen();
  EXPECT_TRUE(std::filesystem::exists(path("socket")));
  serve_unix();
  EXPECT_FALSE(std::filesystem::exists(path("socket")));
}

TEST_F(SocketChardevTest, LeavesASocketInUseAlone) {
  const UniqueFd other = unix_address().listen();
  EXPECT_EQ(message_of([&] { serve_unix(); }),
            "cannot listen on unix:" + path("socket") + ": Address already in use");
  EXPECT_TRUE(std::filesystem::exists(path("socket")));
}

TEST_F(SocketChardevTest, SaysWhatCannotBeReached) {
  EXPECT_EQ(message_of([&] { create_chardev_from_text("c", "unix:" + path("socket")); }),
            "cannot connect to unix:" + path("socket") + ": No such file or directory");
  EXPECT_NE(message_of([&] { serve("unix:" + std::string(200, 'x')); }).find("at most 107 bytes"),
            std::string::npos);
}

TEST_F(SocketChardevTest, RefusesOptionsThatMeanNothing) {
  EXPECT_NE(message_of([&] { create_chardev("socket", "c", {{"server", "on"}}); }), "");
  EXPECT_NE(message_of([&] { create_chardev("socket", "c", {{"path", "a"}, {"port", "1"}}); }), "");
  EXPECT_NE(message_of([&] {
              create_chardev("socket", "c", {{"path", "a"}, {"wait", "on"}});
            }),
            "");
}

// --- what others hand over ---------------------------------------------------------------------

TEST_F(SocketChardevTest, ServesPeersOfASocketThatWasHandedOver) {
  UniqueFd listener = unix_address().listen();
  {
    descriptors::keep("listener", listener.release());
    const auto device =
        create_chardev("socket", "c", {{"fd", "listener"}, {"server", "on"}, {"wait", "off"}});
    device->set_client(&client);
    for (int peers = 1; peers <= 2; ++peers) {
      const UniqueFd peer = unix_address().connect();
      EXPECT_TRUE(opened(peers));
      write(*device, "out");
      EXPECT_EQ(receive(peer.get(), 3), "out");
    }
  }
  EXPECT_TRUE(std::filesystem::exists(path("socket"))) << "it is not its to remove";
}

TEST_F(SocketChardevTest, TalksOverAConnectionThatWasHandedOver) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  const UniqueFd peer(ends[0]);
  descriptors::keep("connection", ends[1]);
  const auto device = create_chardev("socket", "c", {{"fd", "connection"}});
  device->set_client(&client);
  send(peer.get(), "in");
  EXPECT_TRUE(run_until([&] { return client.received == "in"; }));
}

TEST_F(SocketChardevTest, RefusesWhatIsNoSocket) {
  const auto refusal = [&](const Properties& properties) {
    return message_of([&] { create_chardev("socket", "c", properties); });
  };
  EXPECT_NE(refusal({{"fd", "900"}}), "");
  EXPECT_NE(refusal({{"fd", "no-name"}}), "");
  EXPECT_NE(refusal({{"fd", "3"}, {"path", "x"}}), "");
  for (const char* server : {"on", "off"}) {
    descriptors::keep("file", open("/dev/null", O_RDWR | O_CLOEXEC));
    EXPECT_NE(refusal({{"fd", "file"}, {"server", server}}), "");
  }
}

TEST_F(SocketChardevTest, TakesADescriptorThatComesAlong) {
  const auto device = serve_unix();
  const UniqueFd peer = unix_address().connect();
  EXPECT_TRUE(opened(1));
  EXPECT_EQ(device->take_descriptor(), -1);

  UniqueFd file(open(path("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  char text[] = "in";
  iovec bytes{text, 2};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  const int number = file.get();
  std::memcpy(CMSG_DATA(rights), &number, sizeof number);
  ASSERT_EQ(sendmsg(peer.get(), &message, 0), 2);
  file.reset();

  EXPECT_TRUE(run_until([&] { return client.received == "in"; }));
  const UniqueFd came(device->take_descriptor());
  ASSERT_TRUE(came);
  EXPECT_EQ(device->take_descriptor(), -1);
  send(came.get(), "words");
  EXPECT_EQ(content(path("file")), "words");
}

}  // namespace
}  // namespace backplane
