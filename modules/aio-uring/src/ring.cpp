// SPDX-License-Identifier: MIT
// aio-io_uring: transfers by the rings that Linux shares with a program. [io_uring(7),
// io_uring_enter(2)]
//
// What is submitted while a loop does one thing goes to the kernel together when it has done that,
// on the loop's thread: a read that the page cache has is complete when that call returns, the
// others make the ring readable later.
#include <liburing.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "backplane/aio.h"
#include "backplane/error.h"

namespace backplane {

namespace {

constexpr unsigned kEntries = 128;
// What is more than this in one call is copied by the kernel's own threads, and not by the loop's:
// a call that copies a lot keeps everything else in that loop waiting.
constexpr u64 kMostToCopy = 256_KiB;

u64 size_of(std::span<const iovec> iov) {
  u64 size = 0;
  for (const iovec& piece : iov) size += piece.iov_len;
  return size;
}

// A ring, and who waits for what is in it. All with the loop's lock.
class Ring : public std::enable_shared_from_this<Ring> {
 public:
  explicit Ring(IoContext& loop) : loop_(loop), watch_(nullptr, [](IoContext::Watch*) {}) {
    if (const int error = -io_uring_queue_init(kEntries, &ring_, 0); error != 0)
      throw Error("io_uring is not available here: " + std::generic_category().message(error),
                  "aio=threads needs nothing of the host");
    watch_ = loop.watch(ring_.ring_fd, IoContext::kReadable, [this](unsigned) { reap(); });
    for (Slot& slot : slots_) free_.push_back(&slot);
  }
  // Nothing is under way.
  ~Ring() {
    watch_.reset();
    io_uring_queue_exit(&ring_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  bool has_room() const { return !free_.empty(); }

  void submit(const AioEngine::Transfer& transfer, AioEngine::Done done) {
    Slot& slot = *free_.back();
    free_.pop_back();
    slot.done = std::move(done);
    io_uring_sqe* const entry = io_uring_get_sqe(&ring_);  // as many as there are slots
    const auto count = static_cast<unsigned>(transfer.iov.size());
    if (transfer.write)
      io_uring_prep_writev(entry, transfer.fd, transfer.iov.data(), count, transfer.offset);
    else
      io_uring_prep_readv(entry, transfer.fd, transfer.iov.data(), count, transfer.offset);
    to_copy_ += size_of(transfer.iov);
    if (to_copy_ >= kMostToCopy) io_uring_sqe_set_flags(entry, IOSQE_ASYNC);
    io_uring_sqe_set_data(entry, &slot);
    if (!std::exchange(enter_posted_, true))
      loop_.post([self = shared_from_this()] { self->enter(0); });
  }

  void wait() {
    if (free_.size() != slots_.size()) enter(1);
  }

 private:
  struct Slot {
    AioEngine::Done done;
  };

  // Gives the kernel what was submitted, waits for `wanted` of what is under way, and runs what has
  // completed.
  void enter(unsigned wanted) {
    enter_posted_ = false;
    to_copy_ = 0;
    int result;
    do {
      result = io_uring_submit_and_wait(&ring_, wanted);
      // The kernel has no memory for more, or too much that was not looked at: that comes first.
      if (result == -EAGAIN || result == -EBUSY) reap();
    } while (result == -EINTR || ((result == -EAGAIN || result == -EBUSY) && wanted != 0));
    reap();
    // The kernel stops at one that it refuses, and takes those behind it the next time.
    const bool again = result < 0 ? free_.size() != slots_.size() : io_uring_sq_ready(&ring_) != 0;
    if (again && !std::exchange(enter_posted_, true))
      loop_.post([self = shared_from_this()] { self->enter(0); });
  }

  void reap() {
    io_uring_cqe* entry = nullptr;
    while (io_uring_peek_cqe(&ring_, &entry) == 0) {
      auto& slot = *static_cast<Slot*>(io_uring_cqe_get_data(entry));
      const i64 result = entry->res;
      io_uring_cqe_seen(&ring_, entry);
      const AioEngine::Done done = std::exchange(slot.done, nullptr);
      free_.push_back(&slot);
      done(result);
    }
  }

  IoContext& loop_;
  io_uring ring_{};
  IoContext::WatchHandle watch_;
  std::array<Slot, kEntries> slots_;
  std::vector<Slot*> free_;
  bool enter_posted_ = false;
  u64 to_copy_ = 0;  // bytes of what enter() is to give the kernel
};

class UringEngine final : public AioEngine {
 public:
  static void class_init(ObjectClass& k) { k.stateless(); }

  void start(IoContext& loop) override { ring_ = std::make_shared<Ring>(loop); }
  bool has_room() const override { return ring_->has_room(); }
  void submit(const Transfer& transfer, Done done) override {
    ring_->submit(transfer, std::move(done));
  }
  void wait() override { ring_->wait(); }

 private:
  std::shared_ptr<Ring> ring_;  // one that was posted to is gone later
};

BACKPLANE_TYPE(UringEngine, "aio-io_uring", .description = "Linux's io_uring")

}  // namespace

}  // namespace backplane

BACKPLANE_MODULE("aio-uring", "0.1", "Disk transfers by io_uring");
