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
#include <csignal>
#include <utility>
#include <vector>

#include "backplane/log.h"

namespace backplane {

namespace {

// How long write() waits for a reader that takes nothing, once the queue is full.
constexpr int kPatience = 30'000;  // milliseconds

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// A reader that goes away is an error of write(), not the end of the program.
void ignore_broken_pipes() {
  struct sigaction action {};
  if (sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL)
    signal(SIGPIPE, SIG_IGN);
}

}  // namespace

struct OutputQueue::Impl {
  enum class Kind { Socket, NonBlocking, Blocking, File };

  std::size_t pending() const { return queue.size() - head; }
  bool writable_now() const;
  // How many bytes were taken; 0 if none can be taken now, or never again.
  std::size_t write_some(const u8* data, std::size_t size);
  void write(const u8* data, std::size_t size);
  void send_pending();
  // Sends until at most `target` bytes are pending; false if nothing moved for the time given.
  bool wait_until_pending(std::size_t target, int milliseconds_without_progress);
  void discard();
  void fail(int error);
  void update_watch();

  MainLoop& loop;
  UniqueFd fd;
  std::function<void(int)> on_failure;
  Kind kind = Kind::Blocking;
  std::vector<u8> queue;
  std::size_t head = 0;  // first byte of the queue not yet sent
  MainLoop::WatchHandle watch{nullptr, nullptr};
  bool failed = false;
};

OutputQueue::OutputQueue(MainLoop& loop, StreamHandle stream, std::function<void(int)> failed)
    : impl_(new Impl{loop, std::move(stream), std::move(failed)}) {
  ignore_broken_pipes();
  const int fd = impl_->fd.get();
  struct stat status {};
  if (fstat(fd, &status) == 0) {
    if (S_ISSOCK(status.st_mode))
      impl_->kind = Impl::Kind::Socket;
    else if (S_ISREG(status.st_mode))
      impl_->kind = Impl::Kind::File;
    else if ((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0)
      impl_->kind = Impl::Kind::NonBlocking;
  }
}

OutputQueue::~OutputQueue() = default;

void OutputQueue::write(const u8* data, std::size_t size) { impl_->write(data, size); }

std::size_t OutputQueue::pending() const { return impl_->pending(); }

bool OutputQueue::has_failed() const { return impl_->failed; }

void OutputQueue::discard() { impl_->discard(); }

void OutputQueue::finish(int milliseconds_without_progress) {
  impl_->wait_until_pending(0, milliseconds_without_progress);
  impl_->update_watch();
}

bool OutputQueue::Impl::writable_now() const {
  pollfd ready{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  return poll(&ready, 1, 0) > 0;
}

std::size_t OutputQueue::Impl::write_some(const u8* data, std::size_t size) {
  ssize_t taken;
  switch (kind) {
    case Kind::Socket:
      taken = send(fd.get(), data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
      break;
    case Kind::Blocking:
      // A pipe that is ready takes this much without blocking.
      if (!writable_now()) return 0;
      taken = ::write(fd.get(), data, std::min<std::size_t>(size, PIPE_BUF));
      break;
    default:
      taken = ::write(fd.get(), data, size);
      break;
  }
  if (taken >= 0) return static_cast<std::size_t>(taken);
  if (!would_block(errno)) fail(errno);
  return 0;
}

void OutputQueue::Impl::write(const u8* data, std::size_t size) {
  while (size != 0 && !failed && pending() == 0) {
    const std::size_t taken = write_some(data, size);
    if (taken == 0) break;
    data += taken;
    size -= taken;
  }
  if (size == 0 || failed) return;
  const std::size_t room_for = std::min(size, kMaximum);
  if (pending() + size > kMaximum && !wait_until_pending(kMaximum - room_for, kPatience)) {
    log::warn("output is lost: its reader takes nothing");
    return;
  }
  if (failed) return;
  queue.insert(queue.end(), data, data + size);
  update_watch();
}

void OutputQueue::Impl::send_pending() {
  while (pending() != 0) {
    const std::size_t taken = write_some(queue.data() + head, pending());
    if (taken == 0) break;
    head += taken;
  }
  if (head > queue.size() / 2) {
    queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(head));
    head = 0;
  }
}

bool OutputQueue::Impl::wait_until_pending(std::size_t target, int milliseconds_without_progress) {
  while (pending() > target) {
    pollfd ready{.fd = fd.get(), .events = POLLOUT, .revents = 0};
    const int result = poll(&ready, 1, milliseconds_without_progress);
    if (result == 0) return false;
    if (result > 0) send_pending();
  }
  return true;
}

void OutputQueue::Impl::discard() {
  queue.clear();
  head = 0;
  update_watch();
}

void OutputQueue::Impl::fail(int error) {
  if (std::exchange(failed, true)) return;
  discard();
  if (on_failure) on_failure(error);
}

void OutputQueue::Impl::update_watch() {
  if (pending() == 0) {
    watch.reset();
  } else if (!watch) {
    watch = loop.watch(fd.get(), MainLoop::kWritable, [this](unsigned) {
      send_pending();
      update_watch();
    });
  }
}

}  // namespace backplane
