// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include "backplane/main_loop.h"
#include "backplane/types.h"
#include "chardev/stream_handle.h"

namespace backplane {

// Bytes on their way into a stream: written at once as far as it takes them, the rest as it takes
// more. Nothing is lost while the other side is slow: the queue grows to kMaximum, then write()
// waits. Machine lock for all calls.
class OutputQueue {
 public:
  static constexpr std::size_t kMaximum = 16_MiB;

  // Owns the stream. `failed` is called once with an errno, inside any of the calls below or from
  // the main loop, when the stream takes no more for good; it must not destroy the queue.
  OutputQueue(MainLoop& loop, StreamHandle stream, std::function<void(int)> failed);
  ~OutputQueue();

  // After a failure, bytes are dropped.
  void write(const u8* data, std::size_t size);
  std::size_t pending() const;
  bool has_failed() const;
  // Drops what is pending.
  void discard();
  // Waits until nothing is pending, or until the other side has taken nothing for so long.
  void finish(int milliseconds_without_progress);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace backplane
