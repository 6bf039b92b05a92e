// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/main_loop.h"
#include "backplane/types.h"

namespace backplane {

// Moves bytes from a file descriptor to a receiver as fast as it wants them, and no faster: what
// it has no room for stays in the kernel. Main loop's thread, machine lock.
class InputPump {
 public:
  class Receiver {
   public:
    virtual std::size_t input_room() = 0;
    virtual void input(const u8* data, std::size_t size) = 0;
    // The other side sends no more. May destroy the pump.
    virtual void input_ended() = 0;

   protected:
    ~Receiver() = default;
  };

  // Does not own fd. Starts paused.
  InputPump(MainLoop& loop, int fd, Receiver& receiver);
  InputPump(const InputPump&) = delete;
  InputPump& operator=(const InputPump&) = delete;

  // The receiver may have room (machine lock, any thread).
  void resume();
  void pause() { watch_.reset(); }

 private:
  void readable();

  MainLoop& loop_;
  int fd_;
  Receiver& receiver_;
  MainLoop::WatchHandle watch_{nullptr, nullptr};
  bool ended_ = false;
};

}  // namespace backplane
