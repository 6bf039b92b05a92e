// SPDX-License-Identifier: MIT
#include "chardev/input_pump.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace backplane {

namespace {

bool is_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

// As recv(); a descriptor that comes along replaces `descriptor`.
ssize_t receive(int fd, void* data, std::size_t room, UniqueFd& descriptor) {
  constexpr std::size_t kMostDescriptors = 16;
  iovec bytes{data, room};
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))];
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  if (size < 0) return size;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int came = -1;
      std::memcpy(&came, CMSG_DATA(part) + i * sizeof came, sizeof came);
      descriptor.reset(came);
    }
  }
  return size;
}

}  // namespace

struct InputPump::Impl {
  void readable();

  MainLoop& loop;
  UniqueFd fd;
  Receiver& receiver;
  MainLoop::WatchHandle watch{nullptr, nullptr};
  bool ended = false;
  const bool from_socket = is_socket(fd.get());
  UniqueFd descriptor{};
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

int InputPump::take_descriptor() { return impl_->descriptor.release(); }

void InputPump::Impl::readable() {
  u8 buffer[4096];
  const std::size_t room = std::min(receiver.input_room(), sizeof buffer);
  if (room == 0) {
    watch.reset();
    return;
  }
  const ssize_t size =
      from_socket ? receive(fd.get(), buffer, room, descriptor) : read(fd.get(), buffer, room);
  if (size > 0) {
    receiver.input(buffer, static_cast<std::size_t>(size));
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    ended = true;
    watch.reset();
    receiver.input_ended();
  }
}

}  // namespace backplane
