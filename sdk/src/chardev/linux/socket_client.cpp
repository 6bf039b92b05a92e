// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <cerrno>
#include <optional>

#include "backplane/error.h"
#include "chardev/linux/connection_attempt.h"
#include "chardev/linux/socket_chardev.h"

namespace backplane {

namespace {

constexpr int kFirstWait = 250;  // milliseconds, for the first of several attempts

class SocketClient final : public SocketEnd {
 public:
  SocketClient(SocketChardev& device, SocketAddress address, unsigned reconnect)
      : device_(device), address_(std::move(address)), reconnect_(reconnect) {
    if (reconnect_ == 0) {
      device_.use(address_.connect());
      return;
    }
    attempt();
    if (attempt_->wait(kFirstWait)) attempt_ended();
  }

  std::string describe() const override {
    return address_.text() + (device_.connected() ? " (connected)" : " (not connected)");
  }
  void peer_left() override {
    device_.disconnect();
    if (reconnect_ != 0) try_later();
  }

 private:
  void attempt() {
    attempt_.emplace(address_);
    watch_ = device_.loop().watch(attempt_->fd(), MainLoop::kReadable,
                                  [this](unsigned) { attempt_ended(); });
  }

  void attempt_ended() {
    watch_.reset();
    UniqueFd connection = attempt_->take();
    attempt_.reset();
    if (!connection) return try_later();
    try {
      device_.use(std::move(connection));
    } catch (const Error&) {
      try_later();
    }
  }

  void try_later() {
    if (!timer_) timer_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer_) throw Error::system("cannot create a timer", errno);
    itimerspec alarm{};
    alarm.it_value.tv_sec = reconnect_ / 1000;
    alarm.it_value.tv_nsec = reconnect_ % 1000 * 1'000'000;
    timerfd_settime(timer_.get(), 0, &alarm, nullptr);
    watch_ =
        device_.loop().watch(timer_.get(), MainLoop::kReadable, [this](unsigned) { attempt(); });
  }

  SocketChardev& device_;
  SocketAddress address_;
  unsigned reconnect_;
  UniqueFd timer_;
  std::optional<ConnectionAttempt> attempt_;
  MainLoop::WatchHandle watch_{nullptr, nullptr};
};

// Ends with the connection that it was given.
class ConnectedSocket final : public SocketEnd {
 public:
  ConnectedSocket(SocketChardev& device, UniqueFd connection) : device_(device) {
    fcntl(connection.get(), F_SETFL, fcntl(connection.get(), F_GETFL) | O_NONBLOCK);
    device_.use(std::move(connection));
  }

  std::string describe() const override {
    return device_.connected() ? "fd (connected)" : "fd (not connected)";
  }
  void peer_left() override { device_.disconnect(); }

 private:
  SocketChardev& device_;
};

}  // namespace

std::unique_ptr<SocketEnd> keep_to_peer(SocketChardev& device, UniqueFd connection) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(connection.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0)
    throw Error::system("fd=", errno);
  return std::make_unique<ConnectedSocket>(device, std::move(connection));
}

std::unique_ptr<SocketEnd> connect_to_peer(SocketChardev& device, SocketAddress address,
                                           unsigned reconnect) {
  return std::make_unique<SocketClient>(device, std::move(address), reconnect);
}

}  // namespace backplane
