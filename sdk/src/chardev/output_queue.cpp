// SPDX-License-Identifier: MIT
#include "chardev/output_queue.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "backplane/log.h"

namespace backplane {

namespace {

// How long write() waits for a reader that takes nothing, once the queue is full.
constexpr int kPatience = 30'000;  // milliseconds

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

OutputQueue::OutputQueue(MainLoop& loop, int fd, std::function<void(int)> failed)
    : loop_(loop), fd_(fd), kind_(Kind::Blocking), on_failure_(std::move(failed)) {
  struct stat status {};
  if (fstat(fd, &status) == 0) {
    if (S_ISSOCK(status.st_mode))
      kind_ = Kind::Socket;
    else if (S_ISREG(status.st_mode))
      kind_ = Kind::File;
    else if ((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0)
      kind_ = Kind::NonBlocking;
  }
}

bool OutputQueue::writable_now() const {
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  return poll(&ready, 1, 0) > 0;
}

std::size_t OutputQueue::write_some(const u8* data, std::size_t size) {
  ssize_t taken;
  switch (kind_) {
    case Kind::Socket:
      taken = send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
      break;
    case Kind::Blocking:
      // A pipe that is ready takes this much without blocking.
      if (!writable_now()) return 0;
      taken = ::write(fd_, data, std::min<std::size_t>(size, PIPE_BUF));
      break;
    default:
      taken = ::write(fd_, data, size);
      break;
  }
  if (taken >= 0) return static_cast<std::size_t>(taken);
  if (!would_block(errno)) fail(errno);
  return 0;
}

void OutputQueue::write(const u8* data, std::size_t size) {
  while (size != 0 && !failed_ && pending() == 0) {
    const std::size_t taken = write_some(data, size);
    if (taken == 0) break;
    data += taken;
    size -= taken;
  }
  if (size == 0 || failed_) return;
  const std::size_t room_for = std::min(size, kMaximum);
  if (pending() + size > kMaximum && !wait_until_pending(kMaximum - room_for, kPatience)) {
    log::warn("output is lost: its reader takes nothing");
    return;
  }
  if (failed_) return;
  queue_.insert(queue_.end(), data, data + size);
  update_watch();
}

void OutputQueue::send_pending() {
  while (pending() != 0) {
    const std::size_t taken = write_some(queue_.data() + head_, pending());
    if (taken == 0) break;
    head_ += taken;
  }
  if (head_ > queue_.size() / 2) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

bool OutputQueue::wait_until_pending(std::size_t target, int milliseconds_without_progress) {
  while (pending() > target) {
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    const int result = poll(&ready, 1, milliseconds_without_progress);
    if (result == 0) return false;
    if (result > 0) send_pending();
  }
  return true;
}

void OutputQueue::finish(int milliseconds_without_progress) {
  wait_until_pending(0, milliseconds_without_progress);
  update_watch();
}

void OutputQueue::discard() {
  queue_.clear();
  head_ = 0;
  update_watch();
}

void OutputQueue::fail(int error) {
  if (std::exchange(failed_, true)) return;
  discard();
  if (on_failure_) on_failure_(error);
}

void OutputQueue::update_watch() {
  if (pending() == 0) {
    watch_.reset();
  } else if (!watch_) {
    watch_ = loop_.watch(fd_, MainLoop::kWritable, [this](unsigned) {
      send_pending();
      update_watch();
    });
  }
}

}  // namespace backplane
