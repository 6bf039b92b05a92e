// SPDX-License-Identifier: MIT
#include "chardev_fixture.h"

namespace backplane {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(ShortForm, NamesKindsWithoutOptions) {
  EXPECT_EQ(parse_chardev_short_form("stdio").name, "stdio");
  EXPECT_EQ(parse_chardev_short_form("none").name, "null");
  EXPECT_EQ(parse_chardev_short_form("pty").name, "pty");
}

TEST(ShortForm, TakesPathsAndOptions) {
  const ChardevParts file = parse_chardev_short_form("file:/tmp/a,,b,append=on");
  EXPECT_EQ(file.name, "file");
  EXPECT_EQ(file.properties, (Pairs{{"path", "/tmp/a,b"}, {"append", "on"}}));
  const ChardevParts server = parse_chardev_short_form("unix:/run/s,server,nowait");
  EXPECT_EQ(server.name, "socket");
  EXPECT_EQ(server.properties, (Pairs{{"path", "/run/s"}, {"server", "on"}, {"wait", "off"}}));
}

TEST(ShortForm, SplitsHostAndPort) {
  EXPECT_EQ(parse_chardev_short_form("tcp:host:44").properties,
            (Pairs{{"host", "host"}, {"port", "44"}}));
  EXPECT_EQ(parse_chardev_short_form("tcp::44").properties, (Pairs{{"host", ""}, {"port", "44"}}));
  EXPECT_EQ(parse_chardev_short_form("tcp:[::1]:44").properties,
            (Pairs{{"host", "::1"}, {"port", "44"}}));
}

TEST(ShortForm, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "foo", "file", "file:", "tcp:44", "tcp:host:", "foo:bar"})
    EXPECT_THROW(parse_chardev_short_form(text), Error) << text;
}

using CreateChardevTest = ChardevTest;

TEST_F(CreateChardevTest, SaysWhatThereIsNot) {
  EXPECT_NE(message_of([&] { create_chardev("vc", "c", {}); }).find("vc"), std::string::npos);
  EXPECT_NE(message_of([&] {
              create_chardev("file", "c", {{"pth", "x"}});
            }).find("chardev-file.pth: no such property; there are: append, input-path, path"),
            std::string::npos);
}

TEST_F(CreateChardevTest, NullTakesEverything) {
  const auto device = create_chardev_from_text("c", "none");
  write(*device, "anything");
  EXPECT_EQ(device->describe(), "null");
  EXPECT_EQ(device->id(), "c");
}

}  // namespace
}  // namespace backplane
