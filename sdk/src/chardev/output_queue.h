// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <vector>

#include "backplane/main_loop.h"
#include "backplane/types.h"

namespace backplane {

// Bytes on their way into a file descriptor: written at once as far as it takes them, the rest by
// the main loop as it takes more. Nothing is lost while the other side is slow: the queue grows to
// kMaximum, then write() waits. Machine lock for all calls.
class OutputQueue {
 public:
  static constexpr std::size_t kMaximum = 16_MiB;

  // Does not own fd. `failed` is called once with an errno, inside any of the calls below or from
  // the main loop, when the descriptor takes no more for good; it must not destroy the queue.
  OutputQueue(MainLoop& loop, int fd, std::function<void(int)> failed);
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;

  // After a failure, bytes are dropped.
  void write(const u8* data, std::size_t size);
  std::size_t pending() const { return queue_.size() - head_; }
  bool has_failed() const { return failed_; }
  // Drops what is pending.
  void discard();
  // Waits until nothing is pending, or until the other side has taken nothing for so long.
  void finish(int milliseconds_without_progress);

 private:
  enum class Kind { Socket, NonBlocking, Blocking, File };

  bool writable_now() const;
  // How many bytes were taken; 0 if none can be taken now, or never again.
  std::size_t write_some(const u8* data, std::size_t size);
  void send_pending();
  // Sends until at most `target` bytes are pending; false if nothing moved for the time given.
  bool wait_until_pending(std::size_t target, int milliseconds_without_progress);
  void fail(int error);
  void update_watch();

  MainLoop& loop_;
  int fd_;
  Kind kind_;
  std::function<void(int)> on_failure_;
  std::vector<u8> queue_;
  std::size_t head_ = 0;  // first byte of queue_ not yet sent
  MainLoop::WatchHandle watch_{nullptr, nullptr};
  bool failed_ = false;
};

}  // namespace backplane
