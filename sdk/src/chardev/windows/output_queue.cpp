// SPDX-License-Identifier: MIT
// Windows has no way to write to a file, a pipe and a console alike without waiting: a thread
// writes what is queued.
#include "chardev/output_queue.h"

#include <windows.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "backplane/log.h"
#include "diagnostics/windows/last_error.h"
#include "thread/host_thread.h"

namespace backplane {

namespace {

// How long write() waits for a reader that takes nothing, once the queue is full.
constexpr int kPatience = 30'000;  // milliseconds

constexpr std::size_t kAtOnce = 64_KiB;

}  // namespace

struct OutputQueue::Impl : std::enable_shared_from_this<OutputQueue::Impl> {
  Impl(MainLoop& loop_in, StreamHandle stream_in, std::function<void(int)> failed_in)
      : loop(loop_in), stream(std::move(stream_in)), on_failure(std::move(failed_in)) {}

  std::size_t pending() const { return queue.size() + in_flight; }
  // Waits until at most `target` bytes are pending; false if nothing moved for the time given.
  bool wait_until_pending(std::unique_lock<std::mutex>& lock, std::size_t target,
                          int milliseconds_without_progress);

  // The thread: writes until the queue is gone and empty, or the stream takes no more.
  void write_all();
  // 0 or an errno.
  int write_some(const std::vector<u8>& bytes);
  void fail(int errno_value);

  MainLoop& loop;
  const StreamHandle stream;
  std::function<void(int)> on_failure;  // machine lock; empty once the queue is gone

  std::mutex mutex;  // inside the machine lock; guards what follows
  std::condition_variable changed;
  std::vector<u8> queue;
  std::size_t in_flight = 0;  // bytes that the thread is writing
  u64 written = 0;            // bytes so far
  bool failed = false;
  bool gone = false;
};

// The thread holds the state as long as a write takes, which nothing may end.
OutputQueue::OutputQueue(MainLoop& loop, StreamHandle stream, std::function<void(int)> failed)
    : impl_(std::make_shared<Impl>(loop, std::move(stream), std::move(failed))) {
  start_thread("chardev output", [impl = impl_] { impl->write_all(); }).detach();
}

OutputQueue::~OutputQueue() {
  impl_->on_failure = nullptr;
  const std::lock_guard lock(impl_->mutex);
  impl_->queue.clear();
  impl_->gone = true;
  impl_->changed.notify_all();
}

void OutputQueue::write(const u8* data, std::size_t size) {
  std::unique_lock lock(impl_->mutex);
  if (size == 0 || impl_->failed) return;
  const std::size_t room_for = std::min(size, kMaximum);
  if (impl_->pending() + size > kMaximum &&
      !impl_->wait_until_pending(lock, kMaximum - room_for, kPatience)) {
    log::warn("output is lost: its reader takes nothing");
    return;
  }
  if (impl_->failed) return;
  impl_->queue.insert(impl_->queue.end(), data, data + size);
  impl_->changed.notify_all();
}

std::size_t OutputQueue::pending() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->pending();
}

bool OutputQueue::has_failed() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->failed;
}

void OutputQueue::discard() {
  const std::lock_guard lock(impl_->mutex);
  impl_->queue.clear();
}

void OutputQueue::finish(int milliseconds_without_progress) {
  std::unique_lock lock(impl_->mutex);
  impl_->wait_until_pending(lock, 0, milliseconds_without_progress);
}

bool OutputQueue::Impl::wait_until_pending(std::unique_lock<std::mutex>& lock, std::size_t target,
                                           int milliseconds_without_progress) {
  while (pending() > target && !failed) {
    const u64 before = written;
    const auto has_moved = [&] { return written != before || pending() <= target || failed; };
    if (!changed.wait_for(lock, std::chrono::milliseconds(milliseconds_without_progress),
                          has_moved))
      return false;
  }
  return true;
}

void OutputQueue::Impl::write_all() {
  std::vector<u8> bytes;
  for (;;) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return gone || !queue.empty(); });
      if (queue.empty()) return;
      bytes.swap(queue);
      in_flight = bytes.size();
    }
    if (const int error = write_some(bytes); error != 0) return fail(error);
    bytes.clear();
  }
}

int OutputQueue::Impl::write_some(const std::vector<u8>& bytes) {
  for (std::size_t done = 0; done != bytes.size();) {
    const auto size = static_cast<DWORD>(std::min(bytes.size() - done, kAtOnce));
    DWORD count = 0;
    if (!WriteFile(stream.get(), bytes.data() + done, size, &count, nullptr)) return last_errno();
    done += count;
    const std::lock_guard lock(mutex);
    in_flight -= count;
    written += count;
    changed.notify_all();
  }
  return 0;
}

void OutputQueue::Impl::fail(int errno_value) {
  {
    const std::lock_guard lock(mutex);
    failed = true;
    in_flight = 0;
    queue.clear();
    changed.notify_all();
  }
  loop.post([impl = shared_from_this(), errno_value] {
    if (impl->on_failure) impl->on_failure(errno_value);
  });
}

}  // namespace backplane
