// SPDX-License-Identifier: MIT
#include "chardev/linux/terminal_mode.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace backplane {

namespace {

// Signals that end a program unless it handles them.
constexpr int kFatalSignals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGABRT, SIGFPE,
                                 SIGSEGV, SIGBUS,  SIGSYS,  SIGTERM, SIGXCPU, SIGXFSZ,
                                 SIGTRAP, SIGALRM, SIGUSR1, SIGUSR2};

// What the handlers below need. They call nothing but what POSIX lists as async-signal-safe.
std::atomic<int> terminal_fd{-1};
termios former_mode{};
termios raw_mode{};

bool in_foreground(int fd) { return tcgetpgrp(fd) == getpgrp(); }

// Sets a terminal that may be another process group's by now. SIGTTOU, which would stop us then,
// for good if nobody continues us, is not sent to a thread that blocks it. [POSIX "tcsetattr"]
void set_from_anywhere(int fd, const termios& mode) {
  sigset_t terminal_output, before;
  sigemptyset(&terminal_output);
  sigaddset(&terminal_output, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &terminal_output, &before);
  tcsetattr(fd, TCSANOW, &mode);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void restore() {
  const int fd = terminal_fd.exchange(-1);
  if (fd >= 0) set_from_anywhere(fd, former_mode);
}

void restore_and_die(int signal_number) {
  restore();
  // Blocked while we are in here: it ends the program when we return.
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void continued(int) {
  const int saved_errno = errno;
  const int fd = terminal_fd.load();
  if (fd >= 0 && in_foreground(fd)) set_from_anywhere(fd, raw_mode);
  errno = saved_errno;
}

void handle_unless_handled(int signal_number, void (*handler)(int), int flags) {
  struct sigaction action {};
  if (sigaction(signal_number, nullptr, &action) != 0) return;
  if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL) return;
  action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(signal_number, &action, nullptr);
}

void unhandle(int signal_number, void (*handler)(int)) {
  struct sigaction action {};
  if (sigaction(signal_number, nullptr, &action) != 0) return;
  if ((action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == handler)
    signal(signal_number, SIG_DFL);
}

}  // namespace

termios RawTerminal::raw_settings(const termios& cooked, bool keep_signals) {
  termios raw = cooked;
  raw.c_iflag &=
      ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  raw.c_oflag |= OPOST;
  raw.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB);
  raw.c_cflag |= CS8;
  raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | IEXTEN);
  if (!keep_signals) raw.c_lflag &= ~static_cast<tcflag_t>(ISIG);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  return raw;
}

RawTerminal::RawTerminal(int fd, bool keep_signals) {
  if (terminal_fd.load() >= 0 || !isatty(fd) || tcgetattr(fd, &former_mode) != 0) return;
  raw_mode = raw_settings(former_mode, keep_signals);
  static const bool registered = std::atexit(restore) == 0;
  (void)registered;
  for (const int number : kFatalSignals) handle_unless_handled(number, restore_and_die, SA_ONSTACK);
  handle_unless_handled(SIGCONT, continued, SA_RESTART);
  terminal_fd = fd;
  active_ = tcsetattr(fd, TCSANOW, &raw_mode) == 0;
  if (!active_) terminal_fd = -1;
}

RawTerminal::~RawTerminal() {
  if (!active_) return;
  restore();
  for (const int number : kFatalSignals) unhandle(number, restore_and_die);
  unhandle(SIGCONT, continued);
}

}  // namespace backplane
