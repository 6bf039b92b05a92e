// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include "chardev_fixture.h"
#include "file/linux/unique_fd.h"

namespace backplane {
namespace {

using FileChardevTest = ChardevTest;

TEST_F(FileChardevTest, ReplacesWhatWasInTheFile) {
  std::ofstream(path("log")) << "old content";
  write(*create_chardev("file", "c", {{"path", path("log")}}), "new");
  EXPECT_EQ(content(path("log")), "new");
}

TEST_F(FileChardevTest, AppendsIfAsked) {
  std::ofstream(path("log")) << "old ";
  write(*create_chardev("file", "c", {{"path", path("log")}, {"append", "on"}}), "new");
  EXPECT_EQ(content(path("log")), "old new");
}

TEST_F(FileChardevTest, IsWrittenBeforeWriteReturns) {
  const auto device = create_chardev_from_text("c", "file:" + path("log"));
  write(*device, "now");
  EXPECT_EQ(content(path("log")), "now");
  EXPECT_EQ(device->pending(), 0u);
}

TEST_F(FileChardevTest, ReadsFromAnotherFile) {
  std::ofstream(path("in")) << "typed";
  RecordingClient client;
  const auto device =
      create_chardev("file", "c", {{"path", path("log")}, {"input-path", path("in")}});
  device->set_client(&client);
  EXPECT_TRUE(run_until([&] { return client.received == "typed"; }));
}

TEST_F(FileChardevTest, NamesTheFileThatCannotBeOpened) {
  const std::string file = path("no/such/log");
  EXPECT_EQ(message_of([&] { create_chardev_from_text("c", "file:" + file); }),
            "cannot open " + file + " for writing: No such file or directory");
}

TEST_F(FileChardevTest, DoesNotWaitForAPipesReader) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(message_of([&] { create_chardev_from_text("c", "file:" + path("pipe")); }),
            path("pipe") + " is a pipe or a device that nobody is at the other end of");
  const UniqueFd reader(open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK));
  write(*create_chardev_from_text("c", "file:" + path("pipe")), "read");
  char text[5] = {};
  EXPECT_EQ(read(reader.get(), text, 4), 4);
  EXPECT_STREQ(text, "read");
}

TEST_F(FileChardevTest, DropsWhatAFullDiskDoesNotTake) {
  const auto device = create_chardev_from_text("c", "file:/dev/full");
  write(*device, "lost");
  write(*device, "lost");
  EXPECT_EQ(device->pending(), 0u);
}

}  // namespace
}  // namespace backplane
