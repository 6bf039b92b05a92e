// SPDX-License-Identifier: MIT
#include "wire/channel.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

namespace backplane::nbd {

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

Deadline in_seconds(u32 seconds) {
  return std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
}

int milliseconds_until(Deadline deadline) {
  if (!deadline) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<i64>(left.count(), 0, INT_MAX));
}

namespace {

bool wait_for(int fd, short events, Deadline deadline) {
  pollfd one{.fd = fd, .events = events, .revents = 0};
  for (;;) {
    const int ready = poll(&one, 1, milliseconds_until(deadline));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace

Channel::Channel(Socket socket) : socket_(std::move(socket)) {
  // These are TCP's: a Unix socket has none of it, and needs none.
  const int on = 1;
  setsockopt(socket_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket_.fd(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  // Who has vanished without a word is noticed within a minute.
  const int idle = 20, between = 5, probes = 4, unacknowledged = 40'000;
  setsockopt(socket_.fd(), IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(socket_.fd(), IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
  setsockopt(socket_.fd(), IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  setsockopt(socket_.fd(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof unacknowledged);
}

void Channel::set_patience(u32 seconds) {
  const timeval time{.tv_sec = seconds, .tv_usec = 0};
  setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

std::size_t Channel::receive_some(u8* data, std::size_t size) {
  for (;;) {
    was_too_late_ = deadline_ && !wait_for(socket_.fd(), POLLIN, deadline_);
    if (was_too_late_) return 0;
    const ssize_t got = recv(socket_.fd(), data, size, deadline_ ? MSG_DONTWAIT : 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    was_too_late_ = !deadline_ && errno == EAGAIN;
    if (errno != EINTR && !(deadline_ && errno == EAGAIN)) return 0;
  }
}

bool Channel::receive(void* to, std::size_t size) {
  u8* data = static_cast<u8*>(to);
  while (size != 0) {
    if (const std::size_t there = std::min(size, ahead_end_ - ahead_begin_); there != 0) {
      std::memcpy(data, ahead_.data() + ahead_begin_, there);
      ahead_begin_ += there;
      data += there;
      size -= there;
      continue;
    }
    const bool is_small = size < ahead_.size();
    const std::size_t got =
        is_small ? receive_some(ahead_.data(), ahead_.size()) : receive_some(data, size);
    if (got == 0) return false;
    if (is_small) {
      ahead_begin_ = 0;
      ahead_end_ = got;
    } else {
      data += got;
      size -= got;
    }
  }
  return true;
}

bool Channel::receive(std::span<const iovec> iov) {
  return std::all_of(iov.begin(), iov.end(),
                     [&](const iovec& piece) { return receive(piece.iov_base, piece.iov_len); });
}

bool Channel::skip(u64 size) {
  std::array<u8, 16384> nowhere;
  while (size != 0) {
    const std::size_t step = std::min<u64>(size, nowhere.size());
    if (!receive(nowhere.data(), step)) return false;
    size -= step;
  }
  return true;
}

bool Channel::send(std::span<const u8> bytes) { return send(bytes, {}); }

bool Channel::send(std::span<const u8> head, std::span<const iovec> data) {
  std::vector<iovec> pieces;
  pieces.reserve(data.size() + 1);
  pieces.push_back({const_cast<u8*>(head.data()), head.size()});  // sending only reads from it
  pieces.insert(pieces.end(), data.begin(), data.end());
  for (std::size_t first = 0;;) {
    while (first < pieces.size() && pieces[first].iov_len == 0) ++first;
    if (first == pieces.size()) return true;
    if (deadline_ && !wait_for(socket_.fd(), POLLOUT, deadline_)) return false;
    msghdr message{};
    message.msg_iov = &pieces[first];
    message.msg_iovlen = std::min<std::size_t>(pieces.size() - first, IOV_MAX);
    const ssize_t sent =
        sendmsg(socket_.fd(), &message, MSG_NOSIGNAL | (deadline_ ? MSG_DONTWAIT : 0));
    if (sent < 0) {
      if (errno == EINTR || (deadline_ && errno == EAGAIN)) continue;
      return false;
    }
    for (std::size_t left = static_cast<std::size_t>(sent); left != 0;) {
      iovec& piece = pieces[first];
      const std::size_t step = std::min(left, piece.iov_len);
      piece.iov_base = static_cast<u8*>(piece.iov_base) + step;
      piece.iov_len -= step;
      left -= step;
      if (piece.iov_len == 0) ++first;
    }
  }
}

void Channel::stop() { shutdown(socket_.fd(), SHUT_RDWR); }

}  // namespace backplane::nbd
