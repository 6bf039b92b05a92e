// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/timerfd.h>

#include <cerrno>

#include "backplane/error.h"
#include "chardev/socket_chardev.h"

namespace backplane {

namespace {

constexpr int kPatience = 1'000;  // milliseconds, at the end of the program
constexpr int kParting = 100;     // milliseconds, when the peer has said its last word

}  // namespace

SocketClientChardev::SocketClientChardev(MainLoop& loop, std::string id, SocketAddress address,
                                         unsigned reconnect)
    : StreamChardev(loop, std::move(id)), address_(std::move(address)), reconnect_(reconnect) {
  try_again();
}

SocketClientChardev::~SocketClientChardev() { finish_output(kPatience); }

std::string SocketClientChardev::describe() const {
  return address_.text() + (connected() ? " (connected)" : " (not connected)");
}

void SocketClientChardev::try_again() {
  watch_.reset();
  try {
    UniqueFd input = address_.connect();
    UniqueFd output(fcntl(input.get(), F_DUPFD_CLOEXEC, 3));
    if (!output) throw Error::system("cannot duplicate a socket", errno);
    connect(std::move(input), std::move(output));
  } catch (const Error&) {
    if (reconnect_ == 0) throw;
    try_later();
  }
}

void SocketClientChardev::try_later() {
  if (!timer_) timer_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer_) throw Error::system("cannot create a timer", errno);
  itimerspec alarm{};
  alarm.it_value.tv_sec = reconnect_ / 1000;
  alarm.it_value.tv_nsec = reconnect_ % 1000 * 1'000'000;
  timerfd_settime(timer_.get(), 0, &alarm, nullptr);
  watch_ = loop().watch(timer_.get(), MainLoop::kReadable, [this](unsigned) { try_again(); });
}

void SocketClientChardev::lost() {
  disconnect();
  if (reconnect_ != 0) try_later();
}

void SocketClientChardev::end_of_input() {
  finish_output(kParting);
  lost();
}

void SocketClientChardev::output_failed(int) { lost(); }

}  // namespace backplane
