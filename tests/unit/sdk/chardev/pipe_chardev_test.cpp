// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include "chardev_fixture.h"
#include "file/linux/unique_fd.h"

namespace backplane {
namespace {

using PipeChardevTest = ChardevTest;

TEST_F(PipeChardevTest, CarriesBytesBothWays) {
  ASSERT_EQ(mkfifo(path("p.in").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo(path("p.out").c_str(), 0600), 0);
  RecordingClient client;
  const auto device = create_chardev_from_text("c", "pipe:" + path("p"));
  device->set_client(&client);
  write(*device, "waits for a reader");
  {
    const UniqueFd keyboard(open(path("p.in").c_str(), O_WRONLY));
    send(keyboard.get(), "one ");
  }
  {
    const UniqueFd keyboard(open(path("p.in").c_str(), O_WRONLY));
    send(keyboard.get(), "two");
  }
  EXPECT_TRUE(run_until([&] { return client.received == "one two"; }));
  const UniqueFd screen(open(path("p.out").c_str(), O_RDONLY | O_NONBLOCK));
  EXPECT_EQ(read_now(screen.get()), "waits for a reader");
}

TEST_F(PipeChardevTest, SaysWhichPipeIsMissing) {
  EXPECT_EQ(message_of([&] { create_chardev_from_text("c", "pipe:" + path("p")); }),
            "cannot open " + path("p.in") + ": No such file or directory");
}

TEST_F(PipeChardevTest, RefusesAFile) {
  std::ofstream(path("p.in")) << "";
  EXPECT_EQ(message_of([&] { create_chardev_from_text("c", "pipe:" + path("p")); }),
            path("p.in") + " is not a named pipe");
}

}  // namespace
}  // namespace backplane
