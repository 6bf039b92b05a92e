// SPDX-License-Identifier: MIT
#include "backplane/netdev.h"

#include <cstring>
#include <optional>

#include "backplane/error.h"
#include "backplane/machine.h"

namespace backplane {

namespace {

// The whole frame in one piece; empty if it is too large.
std::vector<u8> join(std::span<const iovec> frame) {
  std::vector<u8> whole;
  for (const iovec& piece : frame) {
    if (whole.size() + piece.iov_len > Netdev::kMaxFrame) return {};
    const auto* const bytes = static_cast<const u8*>(piece.iov_base);
    whole.insert(whole.end(), bytes, bytes + piece.iov_len);
  }
  return whole;
}

// Holds an I/O thread's lock, if it is one: that of the main loop is held.
class ThreadLock {
 public:
  explicit ThreadLock(IoContext* thread) {
    if (thread != nullptr) guard_.emplace(*thread);
  }

 private:
  std::optional<IoContext::Guard> guard_;
};

iovec piece_of(std::span<const u8> frame) {
  return {const_cast<u8*>(frame.data()), frame.size()};  // NOLINT: an iovec is for both ways
}

}  // namespace

FrameObserver::~FrameObserver() { stop_observing(); }

void FrameObserver::stop_observing() {
  if (observed_ != nullptr) observed_->detach_observer(*this);
}

Netdev::~Netdev() {
  while (observers_ != nullptr) detach_observer(*observers_);
}

IoContext& Netdev::loop() const {
  return thread_ != nullptr ? *thread_ : machine().main_loop().io_context();
}

// One of the two is the main loop, whose lock we have.
void Netdev::serve_in(IoContext& loop) {
  if (&loop == &this->loop()) return;
  auto* const movable = dynamic_cast<MovableNetdev*>(this);
  if (movable == nullptr)
    throw Error::of("netdev={}: the frames of a {} move in the main loop alone", id(), type_name())
        .with_hint("leave iothread= out");
  IoContext* const next = &loop == &machine().main_loop().io_context() ? nullptr : &loop;
  IoContext& thread = next != nullptr ? *next : *thread_;
  const IoContext::Guard lock(thread);
  thread.run_kept();
  thread_ = next;
  movable->moved();
}

void Netdev::set_client(NetClient* client) {
  client_ = client;
  offload_client_ = dynamic_cast<OffloadNetClient*>(client);
  waiting_.clear();
}

void Netdev::transmit(const FrameOffload& left, std::span<const iovec> frame) {
  show_observers(FrameObserver::Direction::FromDevice, left, frame);
  if (left.nothing_left()) return send(frame);
  if (auto* const offloading = dynamic_cast<OffloadNetdev*>(this))
    return offloading->send_offloaded(left, frame);
  std::vector<u8> whole = join(frame);
  const auto send_whole = [this](std::span<const u8> segment) {
    const iovec piece = piece_of(segment);
    send({&piece, 1});
  };
  if (left.needs_segmentation())
    segment_frame(left, whole, send_whole);
  else if (complete_checksum(left, whole))
    send_whole(whole);
}

void Netdev::deliver(std::span<const u8> frame) { deliver({}, frame); }

void Netdev::deliver(const FrameOffload& left, std::span<const u8> frame) {
  if (observers_ != nullptr) {
    const iovec piece = piece_of(frame);
    show_observers(FrameObserver::Direction::ToDevice, left, {&piece, 1});
  }
  if (client_ == nullptr || frame.size() > kMaxFrame || waiting_.size() >= kMostWaiting) return;
  // In order, and not into a device that is in the middle of receiving.
  if (!delivering_ && waiting_.empty() && offer(left, frame)) return;
  std::vector<u8>& kept = waiting_.emplace_back(sizeof left);
  std::memcpy(kept.data(), &left, sizeof left);
  kept.insert(kept.end(), frame.begin(), frame.end());
}

bool Netdev::offer(const FrameOffload& left, std::span<const u8> frame) {
  if (offload_client_ != nullptr) return offload_client_->receive_offloaded(left, frame);
  if (!left.needs_checksum()) return left.needs_segmentation() || client_->receive(frame);
  std::vector<u8> whole(frame.begin(), frame.end());
  if (left.needs_segmentation() || !complete_checksum(left, whole)) return true;
  return client_->receive(whole);
}

void Netdev::receive_more() {
  if (delivering_ || waiting_.empty()) return;
  delivering_ = true;
  while (client_ != nullptr && !waiting_.empty()) {
    const std::span<const u8> kept = waiting_.front();
    FrameOffload left;
    std::memcpy(&left, kept.data(), sizeof left);
    if (!offer(left, kept.subspan(sizeof left))) break;
    waiting_.pop_front();
  }
  delivering_ = false;
}

void Netdev::attach_observer(FrameObserver& observer) {
  const ThreadLock lock(thread_);
  FrameObserver** last = &observers_;
  while (*last != nullptr) last = &(*last)->next_;
  *last = &observer;
  observer.observed_ = this;
}

void Netdev::detach_observer(FrameObserver& observer) {
  const ThreadLock lock(thread_);
  for (FrameObserver** at = &observers_; *at != nullptr; at = &(*at)->next_)
    if (*at == &observer) {
      *at = observer.next_;
      observer.next_ = nullptr;
      observer.observed_ = nullptr;
      return;
    }
}

void Netdev::show_observers(FrameObserver::Direction direction, const FrameOffload& left,
                            std::span<const iovec> frame) {
  for (FrameObserver* at = observers_; at != nullptr; at = at->next_)
    at->frame_passed(direction, left, frame);
}

BACKPLANE_REGISTER_ABSTRACT(Netdev)

}  // namespace backplane
