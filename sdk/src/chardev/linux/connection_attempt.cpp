// SPDX-License-Identifier: MIT
#include "chardev/linux/connection_attempt.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <mutex>
#include <system_error>

#include "backplane/error.h"
#include "thread/host_thread.h"

namespace backplane {

struct ConnectionAttempt::State {
  SocketAddress address;
  UniqueFd ended;
  std::mutex mutex;
  UniqueFd connection;
  std::optional<Error> failure;

  void run() {
    UniqueFd made;
    std::optional<Error> failed;
    try {
      made = address.connect();
    } catch (const Error& error) {
      failed = error;
    }
    const std::lock_guard lock(mutex);
    connection = std::move(made);
    failure = std::move(failed);
    eventfd_write(ended.get(), 1);
  }
};

ConnectionAttempt::ConnectionAttempt(const SocketAddress& address)
    : state_(std::make_shared<State>()) {
  state_->address = address;
  state_->ended.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state_->ended) throw Error::system("cannot create an event", errno);
  try {
    start_thread("chardev connect", [state = state_] { state->run(); }).detach();
  } catch (const std::system_error& error) {
    throw Error::system("cannot create a thread", error.code().value());
  }
}

int ConnectionAttempt::fd() const { return state_->ended.get(); }

bool ConnectionAttempt::wait(int milliseconds) const {
  pollfd ended{.fd = fd(), .events = POLLIN, .revents = 0};
  return poll(&ended, 1, milliseconds) > 0;
}

UniqueFd ConnectionAttempt::take() {
  const std::lock_guard lock(state_->mutex);
  return std::move(state_->connection);
}

std::optional<Error> ConnectionAttempt::failure() const {
  const std::lock_guard lock(state_->mutex);
  return state_->failure;
}

}  // namespace backplane
