// SPDX-License-Identifier: MIT
#include "chardev/input_pump.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace backplane {

struct InputPump::Impl {
  void readable();

  MainLoop& loop;
  UniqueFd fd;
  Receiver& receiver;
  MainLoop::WatchHandle watch{nullptr, nullptr};
  bool ended = false;
};

InputPump::InputPump(MainLoop& loop, StreamHandle stream, Receiver& receiver)
    : impl_(new Impl{loop, std::move(stream), receiver}) {}

InputPump::~InputPump() = default;

void InputPump::resume() {
  if (impl_->watch || impl_->ended) return;
  impl_->watch = impl_->loop.watch(impl_->fd.get(), MainLoop::kReadable,
                                   [impl = impl_.get()](unsigned) { impl->readable(); });
}

void InputPump::pause() { impl_->watch.reset(); }

void InputPump::Impl::readable() {
  u8 buffer[4096];
  const std::size_t room = std::min(receiver.input_room(), sizeof buffer);
  if (room == 0) {
    watch.reset();
    return;
  }
  const ssize_t size = read(fd.get(), buffer, room);
  if (size > 0) {
    receiver.input(buffer, static_cast<std::size_t>(size));
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    ended = true;
    watch.reset();
    receiver.input_ended();
  }
}

}  // namespace backplane
