// SPDX-License-Identifier: MIT
#include "chardev/chardev_options.h"
#include "chardev/short_form.h"
#include "chardev_fixture.h"

namespace backplane {
namespace {

using Pairs = ChardevOptions::Pairs;

TEST(ShortForm, NamesKindsWithoutOptions) {
  EXPECT_EQ(parse_short_form("stdio").kind, "stdio");
  EXPECT_EQ(parse_short_form("none").kind, "null");
  EXPECT_EQ(parse_short_form("pty").kind, "pty");
}

TEST(ShortForm, TakesPathsAndOptions) {
  const ChardevParts file = parse_short_form("file:/tmp/a,,b,append=on");
  EXPECT_EQ(file.kind, "file");
  EXPECT_EQ(file.options, (Pairs{{"path", "/tmp/a,b"}, {"append", "on"}}));
  const ChardevParts server = parse_short_form("unix:/run/s,server,nowait");
  EXPECT_EQ(server.kind, "socket");
  EXPECT_EQ(server.options, (Pairs{{"path", "/run/s"}, {"server", "on"}, {"wait", "off"}}));
}

TEST(ShortForm, SplitsHostAndPort) {
  EXPECT_EQ(parse_short_form("tcp:host:44").options, (Pairs{{"host", "host"}, {"port", "44"}}));
  EXPECT_EQ(parse_short_form("tcp::44").options, (Pairs{{"host", ""}, {"port", "44"}}));
  EXPECT_EQ(parse_short_form("tcp:[::1]:44").options, (Pairs{{"host", "::1"}, {"port", "44"}}));
}

TEST(ShortForm, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "foo", "file", "file:", "tcp:44", "tcp:host:", "foo:bar"})
    EXPECT_THROW(parse_short_form(text), Error) << text;
}

TEST(ChardevOptions, NameTheOptionThatIsUnknown) {
  ChardevOptions options("file", {{"pth", "x"}});
  options.take("path");
  options.take_flag("append", false);
  try {
    options.finish();
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "file has no option pth: it has path, append");
  }
}

TEST(ChardevOptions, RefuseBadValues) {
  EXPECT_THROW(ChardevOptions("file", {{"a", "1"}, {"a", "2"}}), Error);
  EXPECT_THROW(ChardevOptions("file", {{"append", "maybe"}}).take_flag("append", false), Error);
  EXPECT_THROW(ChardevOptions("socket", {{"reconnect", "-1"}}).take_number("reconnect", 0, 9),
               Error);
  EXPECT_THROW(ChardevOptions("socket", {{"reconnect", "10"}}).take_number("reconnect", 0, 9),
               Error);
  EXPECT_THROW(ChardevOptions("file", {{"path", ""}}).take_required("path", "a path"), Error);
}

using CreateChardevTest = ChardevTest;

TEST_F(CreateChardevTest, ListsTheKindsThereAre) {
  EXPECT_EQ(message_of([&] { create_chardev(loop, "vc", "c", {}); }),
            "vc is no kind of character device: expects stdio, null, file, pipe, pty, socket");
}

TEST_F(CreateChardevTest, NullTakesEverything) {
  const auto device = create_chardev_from_text(loop, "c", "none");
  write(*device, "anything");
  EXPECT_EQ(device->describe(), "null");
  EXPECT_EQ(device->id(), "c");
}

TEST_F(CreateChardevTest, SharesABackendIfAsked) {
  const auto device = create_chardev_from_text(loop, "c", "mon:null");
  EXPECT_NE(dynamic_cast<MuxChardev*>(device.get()), nullptr);
  EXPECT_EQ(device->describe(), "null, shared");
}

}  // namespace
}  // namespace backplane
