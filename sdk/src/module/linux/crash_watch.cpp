// SPDX-License-Identifier: MIT
// Lines are made before anything is loaded, since a handler may but write them.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "backplane/log.h"
#include "module/load_watch.h"

namespace backplane {

namespace {

struct Ending {
  int signal;
  const char* what;
};
constexpr std::array kEndings{Ending{SIGSEGV, "crashed"}, Ending{SIGBUS, "crashed"},
                              Ending{SIGILL, "crashed"}, Ending{SIGFPE, "crashed"},
                              Ending{SIGABRT, "aborted the program"}};
// Loading takes milliseconds; this long it takes where files are far away, or for ever.
constexpr unsigned kLongSeconds = 2;

struct Lines {
  std::array<std::string, kEndings.size()> of_endings;
  std::string of_time;
};
const Lines* lines = nullptr;

void write_line(const std::string& line) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

// Installed so that the former action is back, and the signal comes again when this returns.
void ended(int signal) {
  for (std::size_t i = 0; i < kEndings.size(); ++i)
    if (kEndings[i].signal == signal) write_line(lines->of_endings[i]);
  raise(signal);
}

void takes_long(int) {
  const int saved_errno = errno;
  write_line(lines->of_time);
  errno = saved_errno;
}

}  // namespace

struct CrashWatch::Impl {
  Lines lines;
  std::array<struct sigaction, kEndings.size()> former;
  struct sigaction former_alarm;
};

CrashWatch::CrashWatch(const std::string& file) : impl_(std::make_unique<Impl>()) {
  const auto line = [&](std::string_view what, std::string_view cure) {
    return fmt::format("{}: {}: its start-up code {}; {}\n", log::program_name(), file, what, cure);
  };
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = ended;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (std::size_t i = 0; i < kEndings.size(); ++i) {
    impl_->lines.of_endings[i] =
        line(fmt::format("{} (signal {})", kEndings[i].what, kEndings[i].signal),
             "reinstall the module's package and those it needs");
  }
  impl_->lines.of_time = line(fmt::format("has not ended for {} seconds", kLongSeconds),
                              "wait, or end the program and remove the module");
  lines = &impl_->lines;
  for (std::size_t i = 0; i < kEndings.size(); ++i)
    sigaction(kEndings[i].signal, &action, &impl_->former[i]);
  action.sa_handler = takes_long;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, &impl_->former_alarm);
  alarm(kLongSeconds);
}

CrashWatch::~CrashWatch() {
  alarm(0);
  sigaction(SIGALRM, &impl_->former_alarm, nullptr);
  for (std::size_t i = 0; i < kEndings.size(); ++i)
    sigaction(kEndings[i].signal, &impl_->former[i], nullptr);
  lines = nullptr;
}

}  // namespace backplane
