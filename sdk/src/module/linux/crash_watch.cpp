// SPDX-License-Identifier: MIT
// Lines are made before anything is loaded, since a handler may but write them. Other threads run
// on meanwhile, whose signals are theirs: an accelerator's faults are what it works by.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <string>

#include "backplane/log.h"
#include "module/load_watch.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

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

// What the handlers need; one for all loads, since another thread may be in one when it is over.
struct Watched {
  pid_t thread;
  std::array<std::string, kEndings.size()> ending_lines;
  std::array<struct sigaction, kEndings.size()> former;
  std::string time_line;
};
Watched* watched = nullptr;

void write_line(const std::string& line) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

// As if there were no handler of ours; it runs with the former one's mask.
void pass_on(const struct sigaction& former, int signal, siginfo_t* info, void* context) {
  if ((former.sa_flags & SA_SIGINFO) != 0) return former.sa_sigaction(signal, info, context);
  if (former.sa_handler == SIG_IGN) return;
  if (former.sa_handler != SIG_DFL) return former.sa_handler(signal);
  sigaction(signal, &former, nullptr);
  raise(signal);  // when this returns
}

void ended(int signal, siginfo_t* info, void* context) {
  std::size_t i = 0;
  while (kEndings[i].signal != signal) ++i;
  const struct sigaction& former = watched->former[i];
  if (gettid() != watched->thread) return pass_on(former, signal, info, context);
  write_line(watched->ending_lines[i]);
  sigaction(signal, &former, nullptr);
  raise(signal);  // when this returns
}

void takes_long(int) {
  const int saved_errno = errno;
  write_line(watched->time_line);
  errno = saved_errno;
}

}  // namespace

struct CrashWatch::Impl {
  struct sigaction former_alarm;
  timer_t timer;
  bool has_timer = false;

  static void make_lines(const std::string& file) {
    const auto line = [&](std::string_view what, std::string_view cure) {
      return fmt::format("{}: {}: its start-up code {}; {}\n", log::program_name(), file, what,
                         cure);
    };
    for (std::size_t i = 0; i < kEndings.size(); ++i)
      watched->ending_lines[i] =
          line(fmt::format("{} (signal {})", kEndings[i].what, kEndings[i].signal),
               "reinstall the module's package and those it needs");
    watched->time_line = line(fmt::format("has not ended for {} seconds", kLongSeconds),
                              "wait, or end the program and remove the module");
  }

  static void handle_endings() {
    for (std::size_t i = 0; i < kEndings.size(); ++i) {
      struct sigaction& former = watched->former[i];
      sigaction(kEndings[i].signal, nullptr, &former);
      struct sigaction action = former;
      action.sa_flags |= SA_SIGINFO;
      action.sa_sigaction = ended;
      sigaction(kEndings[i].signal, &action, nullptr);
    }
  }

  // A signal to this thread alone.
  void start_timer() {
    struct sigaction action {};
    sigemptyset(&action.sa_mask);
    action.sa_handler = takes_long;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, &former_alarm);
    struct sigevent event {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGALRM;
    event.sigev_notify_thread_id = watched->thread;
    has_timer = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
    const itimerspec once{.it_interval = {}, .it_value = {.tv_sec = kLongSeconds, .tv_nsec = 0}};
    if (has_timer) timer_settime(timer, 0, &once, nullptr);
  }
};

CrashWatch::CrashWatch(const std::string& file) : impl_(std::make_unique<Impl>()) {
  if (watched == nullptr) watched = new Watched;
  watched->thread = gettid();
  Impl::make_lines(file);
  Impl::handle_endings();
  impl_->start_timer();
}

CrashWatch::~CrashWatch() {
  if (impl_->has_timer) timer_delete(impl_->timer);
  sigaction(SIGALRM, &impl_->former_alarm, nullptr);
  for (std::size_t i = 0; i < kEndings.size(); ++i)
    sigaction(kEndings[i].signal, &watched->former[i], nullptr);
}

}  // namespace backplane
