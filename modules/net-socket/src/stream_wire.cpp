// SPDX-License-Identifier: MIT
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "backplane/clock.h"
#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/main_loop.h"
#include "backplane/netdev.h"
#include "wire.h"

namespace backplane {

namespace {

constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kMostUnsent = 1_MiB;
constexpr int kConnectPatience = 5'000;  // milliseconds
constexpr i64 kMillisecond = 1'000'000;

std::array<u8, kLengthSize> length_bytes(std::size_t size) {
  return {static_cast<u8>(size >> 24), static_cast<u8>(size >> 16), static_cast<u8>(size >> 8),
          static_cast<u8>(size)};
}

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

// One connection at a time; a subclass says where the next one comes from.
class StreamWire : public Wire {
 public:
  StreamWire(Machine& machine, Receive receive)
      : Wire(machine.main_loop().io_context()), receive_(std::move(receive)) {}

  void send(std::span<const iovec> frame) override;

 protected:
  void use(Socket connection);
  bool connected() const { return static_cast<bool>(connection_); }
  // The connection has ended.
  virtual void lost() {}
  // Waits for the next one, if it does.
  virtual void watch_for_peer() {}
  void watch() override;

 private:
  void ready(unsigned conditions);
  bool read_some();
  bool take_frames();
  void write_some();

  Receive receive_;
  Socket connection_;
  IoContext::WatchHandle watch_{nullptr, nullptr};
  std::vector<u8> received_;  // what is not yet a whole frame
  std::vector<u8> unsent_;
};

void StreamWire::send(std::span<const iovec> frame) {
  if (!connected()) return;
  std::size_t size = 0;
  for (const iovec& piece : frame) size += piece.iov_len;
  if (unsent_.size() + kLengthSize + size > kMostUnsent) return;
  const bool was_idle = unsent_.empty();
  const auto length = length_bytes(size);
  unsent_.insert(unsent_.end(), length.begin(), length.end());
  for (const iovec& piece : frame) {
    const auto* const bytes = static_cast<const u8*>(piece.iov_base);
    unsent_.insert(unsent_.end(), bytes, bytes + piece.iov_len);
  }
  if (!was_idle) return;
  write_some();
  if (!unsent_.empty()) watch();
}

void StreamWire::use(Socket connection) {
  connection_ = std::move(connection);
  received_.clear();
  unsent_.clear();
  watch();
}

void StreamWire::watch() {
  if (!connected()) return watch_for_peer();
  const unsigned conditions =
      IoContext::kReadable | IoContext::kHangup | (unsent_.empty() ? 0U : IoContext::kWritable);
  watch_ = loop().watch(connection_.fd(), conditions, [this](unsigned seen) { ready(seen); });
}

void StreamWire::ready(unsigned conditions) {
  if ((conditions & IoContext::kWritable) != 0) {
    write_some();
    if (unsent_.empty()) watch();
  }
  if ((conditions & (IoContext::kReadable | IoContext::kHangup)) == 0 || read_some()) return;
  watch_.reset();
  connection_ = Socket();
  lost();
}

// Who does not listen any more is sent nothing: that the connection has ended, the next read says.
void StreamWire::write_some() {
  const ssize_t sent =
      ::send(connection_.fd(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
  if (sent >= 0 || errno == EAGAIN || errno == EINTR) return;
  unsent_.clear();
  shutdown(connection_.fd(), SHUT_RDWR);
}

bool StreamWire::read_some() {
  std::array<u8, 64_KiB> bytes;
  const ssize_t size = recv(connection_.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (size == 0) return false;
  received_.insert(received_.end(), bytes.begin(), bytes.begin() + size);
  return take_frames();
}

// False if the peer speaks another language.
bool StreamWire::take_frames() {
  std::span<const u8> left = received_;
  while (left.size() >= kLengthSize) {
    const std::size_t size =
        std::size_t{left[0]} << 24 | left[1] << 16 | left[2] << 8 | std::size_t{left[3]};
    if (size > Netdev::kMaxFrame) return false;
    if (left.size() - kLengthSize < size) break;
    receive_(left.subspan(kLengthSize, size));
    left = left.subspan(kLengthSize + size);
  }
  received_.erase(received_.begin(), received_.end() - static_cast<std::ptrdiff_t>(left.size()));
  return true;
}

class ListeningWire final : public StreamWire {
 public:
  ListeningWire(Machine& machine, const SocketPlace& place, Receive receive)
      : StreamWire(machine, std::move(receive)), place_(place), listener_(listen_at(place)) {
    watch();
  }

  std::string describe() const override {
    return fmt::format("{} {}", connected() ? "connected at" : "listening at", place_.text());
  }

 protected:
  void lost() override { watch(); }
  void watch_for_peer() override {
    watch_ =
        loop().watch(listener_.fd(), IoContext::kReadable, [this](unsigned) { accept_peer(); });
  }

 private:
  void accept_peer() {
    Socket peer(accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer) return;
    watch_.reset();
    use(std::move(peer));
  }

  SocketPlace place_;
  Socket listener_;
  IoContext::WatchHandle watch_{nullptr, nullptr};
};

class ConnectingWire final : public StreamWire {
 public:
  ConnectingWire(Machine& machine, const SocketPlace& place, unsigned reconnect, Receive receive)
      : StreamWire(machine, std::move(receive)),
        place_(place),
        address_(look_up(place, SOCK_STREAM, Purpose::Reach)),
        reconnect_(reconnect),
        again_(machine.realtime_clock(), [this] {
          const IoContext::Guard lock(loop());
          attempt();
        }) {
    attempt();
    if (reconnect_ == 0) insist();
  }

  std::string describe() const override {
    return fmt::format("{} {}", connected() ? "connected to" : "not connected to", place_.text());
  }

 protected:
  void lost() override {
    if (reconnect_ == 0) return;
    loop().with_machine([this] { again_.arm_in(i64{reconnect_} * kMillisecond); });
  }
  void watch_for_peer() override {
    if (attempt_)
      watch_ = loop().watch(attempt_.fd(), IoContext::kWritable | IoContext::kHangup,
                            [this](unsigned) { decided(); });
  }

 private:
  void attempt() {
    attempt_ = Socket(socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    const bool done = connect(attempt_.fd(), address_.raw(), address_.size) == 0;
    if (done) return use(std::move(attempt_));
    error_ = errno;
    if (error_ != EINPROGRESS) return give_up();
    error_ = 0;
    watch();
  }
  void decided() {
    watch_.reset();
    error_ = pending_error(attempt_.fd());
    if (error_ != 0) return give_up();
    use(std::move(attempt_));
  }
  void give_up() {
    attempt_ = Socket();
    lost();
  }
  // Without a second attempt, the first has to succeed.
  void insist() {
    if (attempt_) {
      pollfd waiting{attempt_.fd(), POLLOUT, 0};
      if (poll(&waiting, 1, kConnectPatience) == 1)
        decided();
      else
        error_ = ETIMEDOUT;
    }
    if (!connected())
      throw Error::system(fmt::format("cannot connect to {}", place_.text()), error_);
  }

  SocketPlace place_;
  SocketAddress address_;
  unsigned reconnect_;  // milliseconds; 0: never
  Timer again_;
  Socket attempt_;
  int error_ = 0;  // why the last attempt failed
  IoContext::WatchHandle watch_{nullptr, nullptr};
};

class AdoptedWire final : public StreamWire {
 public:
  AdoptedWire(Machine& machine, Socket connection, Receive receive)
      : StreamWire(machine, std::move(receive)) {
    use(std::move(connection));
  }
  std::string describe() const override {
    return connected() ? "connected by a descriptor" : "not connected any more";
  }
};

}  // namespace

std::unique_ptr<Wire> stream_at(Machine& machine, const SocketPlace& place, Wire::Receive receive) {
  return std::make_unique<ListeningWire>(machine, place, std::move(receive));
}

std::unique_ptr<Wire> stream_to(Machine& machine, const SocketPlace& place, unsigned reconnect,
                                Wire::Receive receive) {
  return std::make_unique<ConnectingWire>(machine, place, reconnect, std::move(receive));
}

std::unique_ptr<Wire> stream_on(Machine& machine, Socket connection, Wire::Receive receive) {
  return std::make_unique<AdoptedWire>(machine, std::move(connection), std::move(receive));
}

}  // namespace backplane
