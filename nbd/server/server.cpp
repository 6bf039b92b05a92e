// SPDX-License-Identifier: MIT
#include "server/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "backplane/error.h"

namespace backplane::nbd {

namespace {

// One that finds no thread or no descriptor is not to be tried again at once.
constexpr int kPause = 100;  // milliseconds

}  // namespace

Server::Server(const Export& exported, std::vector<Socket> listening,
               const ServerSettings& settings)
    : export_(exported),
      listening_(std::move(listening)),
      settings_(settings),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_.fd() < 0) throw Error::system("cannot make an eventfd", errno);
}

Server::~Server() {
  {
    const std::lock_guard lock(mutex_);
    for (Client& client : clients_) client.session->stop();
  }
  for (Client& client : clients_) client.thread.join();
}

void Server::run(int ending) {
  for (;;) {
    const bool is_full = settings_.most_clients != 0 && clients_.size() >= settings_.most_clients;
    std::vector<pollfd> watched{{.fd = ending, .events = POLLIN, .revents = 0},
                                {.fd = wake_.fd(), .events = POLLIN, .revents = 0}};
    const std::size_t own = watched.size();
    if (!is_full)
      for (const Socket& socket : listening_)
        watched.push_back({.fd = socket.fd(), .events = POLLIN, .revents = 0});
    if (poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[0].revents != 0) return;
    if (watched[1].revents != 0) {
      u64 count = 0;
      [[maybe_unused]] const ssize_t got = read(wake_.fd(), &count, sizeof count);
      if (remove_those_that_left() && !settings_.persistent) return;
    }
    // One at a time: it may be the last that there is room for.
    for (std::size_t i = own; i < watched.size(); ++i)
      if (watched[i].revents != 0) {
        accept_one(listening_[i - own]);
        break;
      }
  }
}

void Server::accept_one(const Socket& listening) {
  Socket socket(accept4(listening.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket.fd() < 0) {
    // What does not go away by itself is not to keep a processor busy.
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) poll(nullptr, 0, kPause);
    return;
  }
  const std::lock_guard lock(mutex_);
  Client& client = clients_.emplace_back();
  client.session = std::make_unique<Session>(export_, std::move(socket));
  try {
    client.thread = std::thread([this, &client] {
      const bool chose = client.session->run();
      {
        const std::lock_guard guard(mutex_);
        client.has_left = true;
        client.chose = chose;
      }
      const u64 one = 1;
      [[maybe_unused]] const ssize_t written = write(wake_.fd(), &one, sizeof one);
    });
  } catch (const std::system_error&) {
    clients_.pop_back();
    poll(nullptr, 0, kPause);
  }
}

bool Server::remove_those_that_left() {
  std::list<Client> gone;
  {
    const std::lock_guard lock(mutex_);
    for (auto client = clients_.begin(); client != clients_.end();) {
      const auto next = std::next(client);
      if (client->has_left) gone.splice(gone.end(), clients_, client);
      client = next;
    }
  }
  for (Client& client : gone) {
    client.thread.join();
    somebody_chose_ |= client.chose;
  }
  return somebody_chose_ && clients_.empty();
}

}  // namespace backplane::nbd
