// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/timerfd.h>

#include <cerrno>

#include "backplane/error.h"
#include "chardev/linux/socket_chardev.h"

namespace backplane {

namespace {

constexpr int kPatience = 1'000;  // milliseconds, at the end of the program
constexpr int kParting = 100;     // milliseconds, when the peer has said its last word
constexpr int kFirstWait = 250;   // milliseconds, for the first of several attempts

}  // namespace

SocketClientChardev::SocketClientChardev(MainLoop& loop, std::string id, SocketAddress address,
                                         unsigned reconnect)
    : StreamChardev(loop, std::move(id)), address_(std::move(address)), reconnect_(reconnect) {
  if (reconnect_ == 0) {
    use(address_.connect());
    return;
  }
  attempt();
  if (attempt_->wait(kFirstWait)) attempt_ended();
}

SocketClientChardev::~SocketClientChardev() { finish_output(kPatience); }

std::string SocketClientChardev::describe() const {
  return address_.text() + (connected() ? " (connected)" : " (not connected)");
}

void SocketClientChardev::use(UniqueFd connection) {
  UniqueFd output(fcntl(connection.get(), F_DUPFD_CLOEXEC, 3));
  if (!output) throw Error::system("cannot duplicate a socket", errno);
  connect(std::move(connection), std::move(output));
}

void SocketClientChardev::attempt() {
  attempt_.emplace(address_);
  watch_ = loop().watch(attempt_->fd(), MainLoop::kReadable, [this](unsigned) { attempt_ended(); });
}

void SocketClientChardev::attempt_ended() {
  watch_.reset();
  UniqueFd connection = attempt_->take();
  attempt_.reset();
  if (!connection) return try_later();
  try {
    use(std::move(connection));
  } catch (const Error&) {
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
  watch_ = loop().watch(timer_.get(), MainLoop::kReadable, [this](unsigned) { attempt(); });
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
