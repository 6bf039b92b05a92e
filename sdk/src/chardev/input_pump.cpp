// SPDX-License-Identifier: MIT
#include "chardev/input_pump.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace backplane {

InputPump::InputPump(MainLoop& loop, int fd, Receiver& receiver)
    : loop_(loop), fd_(fd), receiver_(receiver) {}

void InputPump::resume() {
  if (watch_ || ended_) return;
  watch_ = loop_.watch(fd_, MainLoop::kReadable, [this](unsigned) { readable(); });
}

void InputPump::readable() {
  u8 buffer[4096];
  const std::size_t room = std::min(receiver_.input_room(), sizeof buffer);
  if (room == 0) {
    pause();
    return;
  }
  const ssize_t size = read(fd_, buffer, room);
  if (size > 0) {
    receiver_.input(buffer, static_cast<std::size_t>(size));
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    ended_ = true;
    pause();
    receiver_.input_ended();
  }
}

}  // namespace backplane
