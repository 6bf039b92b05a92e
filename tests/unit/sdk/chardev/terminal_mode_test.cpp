// SPDX-License-Identifier: MIT
#include "chardev/linux/terminal_mode.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <functional>

#include "file/linux/unique_fd.h"

namespace backplane {
namespace {

class RawTerminalTest : public ::testing::Test {
 protected:
  RawTerminalTest() : master(posix_openpt(O_RDWR | O_NOCTTY)) {
    grantpt(master.get());
    unlockpt(master.get());
    slave.reset(open(ptsname(master.get()), O_RDWR | O_NOCTTY));
  }
  termios mode() const {
    termios now{};
    EXPECT_EQ(tcgetattr(slave.get(), &now), 0);
    return now;
  }
  bool is_raw() const { return (mode().c_lflag & (ICANON | ECHO)) == 0; }

  // Runs a function in another process, its terminal raw; returns how that ended.
  int status_of(const std::function<void()>& fn) const {
    const pid_t child = fork();
    if (child == 0) {
      const rlimit no_core{0, 0};
      setrlimit(RLIMIT_CORE, &no_core);
      const RawTerminal raw(slave.get(), true);
      if (!is_raw()) _exit(99);
      fn();
      _exit(98);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }
  void expect_restored_after_signal(int number) {
    const int status = status_of([number] { raise(number); });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << "status " << status;
    EXPECT_FALSE(is_raw());
  }

  UniqueFd master, slave;
};

TEST_F(RawTerminalTest, IsRawForItsScope) {
  {
    const RawTerminal raw(slave.get(), false);
    EXPECT_TRUE(is_raw());
    EXPECT_EQ(mode().c_lflag & ISIG, 0u);
  }
  EXPECT_FALSE(is_raw());
}

TEST_F(RawTerminalTest, KeepsSignalsIfAsked) {
  const RawTerminal raw(slave.get(), true);
  EXPECT_NE(mode().c_lflag & ISIG, 0u);
}

TEST_F(RawTerminalTest, LeavesWhatIsNoTerminalAlone) {
  const UniqueFd file(open("/dev/null", O_RDWR));
  const RawTerminal raw(file.get(), true);
  const RawTerminal terminal(slave.get(), true);
  EXPECT_TRUE(is_raw());
}

TEST_F(RawTerminalTest, IsRestoredByExit) {
  const int status = status_of([] { exit(7); });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << "status " << status;
  EXPECT_FALSE(is_raw());
}

// The child is the session's leader, as a shell is, and has the terminal again when the program, a
// job of its own, ends.
TEST_F(RawTerminalTest, IsRestoredFromTheBackground) {
  for (const int number : {0, SIGTERM}) {
    const pid_t shell = fork();
    if (shell == 0) {
      setsid();
      ioctl(slave.get(), TIOCSCTTY, 0);
      signal(SIGTTOU, SIG_IGN);
      int raw_now[2], end_now[2];
      if (pipe(raw_now) != 0 || pipe(end_now) != 0) _exit(99);
      const pid_t job = fork();
      if (job == 0) {
        setpgid(0, 0);
        tcsetpgrp(slave.get(), getpid());
        signal(SIGTTOU, SIG_DFL);
        char byte = 0;
        {
          const RawTerminal raw(slave.get(), true);
          if (write(raw_now[1], &byte, 1) != 1 || read(end_now[0], &byte, 1) != 1) _exit(99);
          if (number != 0) raise(number);
        }
        _exit(7);
      }
      char byte = 0;
      if (read(raw_now[0], &byte, 1) != 1 || !is_raw()) _exit(99);
      tcsetpgrp(slave.get(), getpgrp());
      if (write(end_now[1], &byte, 1) != 1) _exit(99);
      int status = 0;
      waitpid(job, &status, WUNTRACED);
      if (WIFSTOPPED(status)) kill(job, SIGKILL);
      const bool ended = number == 0 ? WIFEXITED(status) && WEXITSTATUS(status) == 7
                                     : WIFSIGNALED(status) && WTERMSIG(status) == number;
      _exit(ended && !is_raw() ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(waitpid(shell, &status, 0), shell);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << number << ": " << status;
  }
}

TEST_F(RawTerminalTest, IsRestoredBySigint) { expect_restored_after_signal(SIGINT); }
TEST_F(RawTerminalTest, IsRestoredBySigterm) { expect_restored_after_signal(SIGTERM); }
TEST_F(RawTerminalTest, IsRestoredBySighup) { expect_restored_after_signal(SIGHUP); }
TEST_F(RawTerminalTest, IsRestoredByAbort) {
  const int status = status_of([] { abort(); });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << "status " << status;
  EXPECT_FALSE(is_raw());
}

TEST_F(RawTerminalTest, LeavesHandledSignalsToTheirHandler) {
  static volatile sig_atomic_t seen;
  seen = 0;
  signal(SIGTERM, [](int) { seen = 1; });
  {
    const RawTerminal raw(slave.get(), true);
    raise(SIGTERM);
    EXPECT_EQ(seen, 1);
    EXPECT_TRUE(is_raw());
  }
  signal(SIGTERM, SIG_DFL);
}

TEST_F(RawTerminalTest, TakesItsOwnHandlersAway) {
  { const RawTerminal raw(slave.get(), true); }
  struct sigaction action {};
  sigaction(SIGTERM, nullptr, &action);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace backplane
