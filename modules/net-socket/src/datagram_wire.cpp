// SPDX-License-Identifier: MIT
#include <cerrno>
#include <vector>

#include "backplane/machine.h"
#include "backplane/main_loop.h"
#include "backplane/netdev.h"
#include "wire.h"

namespace backplane {

namespace {

// Frames that are taken in a row, so that others get their turn.
constexpr unsigned kBurst = 64;

class DatagramWire final : public Wire {
 public:
  DatagramWire(Machine& machine, Socket socket, std::optional<SocketAddress> to,
               std::string description, Receive receive)
      : Wire(machine.main_loop().io_context()),
        socket_(std::move(socket)),
        to_(to),
        description_(std::move(description)),
        receive_(std::move(receive)),
        frame_(Netdev::kMaxFrame) {
    watch();
  }

  std::string describe() const override { return description_; }

  void send(std::span<const iovec> frame) override {
    msghdr message{};
    if (to_) {
      message.msg_name = &to_->storage;
      message.msg_namelen = to_->size;
    }
    message.msg_iov = const_cast<iovec*>(frame.data());  // NOLINT: it is read
    message.msg_iovlen = frame.size();
    sendmsg(socket_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

 protected:
  void watch() override {
    watch_ = loop().watch(socket_.fd(), IoContext::kReadable, [this](unsigned) { take_frames(); });
  }

 private:
  // An error is that of a datagram sent before, which nobody took.
  void take_frames() {
    for (unsigned i = 0; i < kBurst; ++i) {
      const ssize_t size = recv(socket_.fd(), frame_.data(), frame_.size(), MSG_DONTWAIT);
      if (size <= 0) return;
      receive_(std::span(frame_).first(static_cast<std::size_t>(size)));
    }
  }

  Socket socket_;
  std::optional<SocketAddress> to_;
  std::string description_;
  Receive receive_;
  std::vector<u8> frame_;
  IoContext::WatchHandle watch_{nullptr, nullptr};
};

}  // namespace

std::unique_ptr<Wire> datagrams(Machine& machine, Socket socket, std::optional<SocketAddress> to,
                                std::string description, Wire::Receive receive) {
  return std::make_unique<DatagramWire>(machine, std::move(socket), to, std::move(description),
                                        std::move(receive));
}

}  // namespace backplane
