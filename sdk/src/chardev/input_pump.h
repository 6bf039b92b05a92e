// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "backplane/main_loop.h"
#include "backplane/types.h"
#include "chardev/stream_handle.h"

namespace backplane {

// Moves bytes from a stream to a receiver as fast as it wants them, and no faster: what it has no
// room for stays where it comes from. Main loop's thread, machine lock.
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

  // Owns the stream. Starts paused.
  InputPump(MainLoop& loop, StreamHandle stream, Receiver& receiver);
  ~InputPump();

  // The receiver may have room (machine lock, any thread).
  void resume();
  void pause();
  // See Chardev::take_descriptor().
  int take_descriptor();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace backplane
