// SPDX-License-Identifier: MIT
// Windows has no way to wait for a file, a pipe and a console alike: a thread reads, one piece
// ahead, and the main loop hands the piece on.
#include "chardev/input_pump.h"

#include <windows.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>

#include "thread/host_thread.h"

namespace backplane {

struct InputPump::Impl : std::enable_shared_from_this<InputPump::Impl> {
  Impl(MainLoop& loop_in, StreamHandle stream_in, Receiver& receiver_in)
      : loop(loop_in), stream(std::move(stream_in)), receiver(&receiver_in) {}

  void read_all();
  bool read_piece();
  void post();
  void hand_on();

  MainLoop& loop;
  const StreamHandle stream;
  Receiver* receiver;     // machine lock; null once the pump is gone
  bool running = false;   // machine lock
  bool finished = false;  // machine lock; the end was handed on

  std::mutex mutex;  // inside the machine lock; guards what follows
  std::condition_variable handed_on;
  std::array<u8, 4096> piece;
  std::size_t size = 0;  // of the piece; 0 if it was handed on
  std::size_t done = 0;  // handed on of it
  bool ended = false;    // nothing follows the piece
  bool gone = false;     // nobody waits for more
};

// Holds the state as long as the read takes, which nothing may end: a console, a pipe that nobody
// writes to.
InputPump::InputPump(MainLoop& loop, StreamHandle stream, Receiver& receiver)
    : impl_(std::make_shared<Impl>(loop, std::move(stream), receiver)) {
  start_thread("chardev input", [impl = impl_] { impl->read_all(); }).detach();
}

InputPump::~InputPump() {
  impl_->receiver = nullptr;
  const std::lock_guard lock(impl_->mutex);
  impl_->gone = true;
  impl_->handed_on.notify_one();
}

void InputPump::resume() {
  impl_->running = true;
  impl_->post();
}

void InputPump::pause() { impl_->running = false; }

int InputPump::take_descriptor() { return -1; }

void InputPump::Impl::read_all() {
  while (read_piece()) {
  }
}

// False if there will be no more.
bool InputPump::Impl::read_piece() {
  DWORD count = 0;
  if (!ReadFile(stream.get(), piece.data(), static_cast<DWORD>(piece.size()), &count, nullptr))
    count = 0;
  std::unique_lock lock(mutex);
  if (gone) return false;
  size = count;
  done = 0;
  ended = count == 0;
  post();
  if (ended) return false;
  handed_on.wait(lock, [this] { return gone || size == 0; });
  return !gone;
}

void InputPump::Impl::post() {
  loop.post([impl = shared_from_this()] { impl->hand_on(); });
}

void InputPump::Impl::hand_on() {
  if (receiver == nullptr || !running || finished) return;
  const std::size_t room = receiver->input_room();
  std::array<u8, sizeof piece> bytes;
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex);
    count = std::min(size - done, room);
    if (count == 0 && !ended) {
      // Nothing is there, or the receiver says when it has room.
      if (size != 0) running = false;
      return;
    }
    std::copy_n(piece.data() + done, count, bytes.data());
    done += count;
    if (done == size) size = done = 0;
    finished = ended;
    if (size == 0) handed_on.notify_one();
  }
  if (finished) return receiver->input_ended();
  receiver->input(bytes.data(), count);
  post();
}

}  // namespace backplane
