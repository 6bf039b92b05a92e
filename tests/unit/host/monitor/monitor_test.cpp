// SPDX-License-Identifier: MIT
#include "monitor/monitor.h"

#include <gtest/gtest.h>

#include "backplane/migration.h"
#include "backplane/testing/test_machine.h"

namespace backplane::host {
namespace {

// A terminal whose screen is a string.
class Screen final : public Chardev {
 public:
  void write(const u8* data, std::size_t size) override {
    text.append(reinterpret_cast<const char*>(data), size);
  }
  std::string describe() const override { return "screen"; }
  void connect() { client()->event(ChardevClient::Event::Opened); }
  void type(std::string_view keys) {
    client()->receive(reinterpret_cast<const u8*>(keys.data()), keys.size());
  }
  bool has_client() const { return client() != nullptr; }

  std::string text;
};

class MonitorSession : public ::testing::Test {
 protected:
  MonitorSession() {
    machine_.power_on();
    monitor_->open(screen_);
  }

  backplane::testing::TestMachine machine_;
  Screen screen_;
  Migration migration_{machine_};
  std::unique_ptr<Monitor> monitor_ =
      std::make_unique<Monitor>(CommandContext{machine_, migration_});
};

TEST_F(MonitorSession, GreetsAndPromptsWhenSomebodyIsThere) {
  EXPECT_EQ(screen_.text, "");
  screen_.connect();
  EXPECT_TRUE(screen_.text.starts_with("\r\nBackplane ")) << screen_.text;
  EXPECT_TRUE(screen_.text.ends_with("\r\n(backplane) ")) << screen_.text;
}

TEST_F(MonitorSession, OnlyPromptsWhenATerminalComesBack) {
  screen_.connect();
  screen_.text.clear();
  screen_.connect();
  EXPECT_EQ(screen_.text, "\r\n(backplane) ");
}

TEST_F(MonitorSession, EchoesAnswersAndPrompts) {
  screen_.type("info stat");
  EXPECT_EQ(screen_.text, "info stat");
  screen_.type("us\r");
  EXPECT_EQ(screen_.text, "info status\r\nVM status: paused (prelaunch)\r\n(backplane) ");
}

TEST_F(MonitorSession, TakesSeveralLinesAtOnce) {
  screen_.type("cont\nstop\ninfo status\n");
  EXPECT_TRUE(screen_.text.ends_with("VM status: paused\r\n(backplane) ")) << screen_.text;
}

TEST_F(MonitorSession, QuitIsTheLastLine) {
  screen_.type("quit\rcont\r");
  EXPECT_EQ(screen_.text, "quit\r\n");
  EXPECT_EQ(machine_.run_control().state(), RunState::Stopped);
  machine_.run_main_loop();
  EXPECT_EQ(machine_.run_control().shutdown_cause(), ShutdownCause::HostRequest);
}

TEST_F(MonitorSession, LeavesTheTerminalWhenItEnds) {
  monitor_.reset();
  EXPECT_FALSE(screen_.has_client());
}

}  // namespace
}  // namespace backplane::host
