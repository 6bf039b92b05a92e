// SPDX-License-Identifier: MIT
// Several threads read, each a piece at a time, and write in the order of the disk: a format finds
// room for what comes, so that it lies in that order in the file, and a file lets one write at a
// time anyway, for which those that wait would spin.
#include "copy.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "zeroes.h"

namespace backplane::img {

namespace {

constexpr u64 kPiece = 2_MiB;

class Copy {
 public:
  Copy(const Source& source, const OpenImage& target, const CopyOptions& options,
       Progress& progress)
      : source_(source),
        target_(target.node()),
        image_(target.image()),
        options_(options),
        progress_(progress),
        in_order_(!options.compressed && !options.any_order) {}

  void run();

 private:
  struct Piece {
    u64 number = 0;
    u64 offset = 0;
    u64 size = 0;
    bool skip = false;  // the target has it
    bool zero = false;
  };

  void work();
  bool take(Piece& piece);
  void copy(const Piece& piece, std::vector<u8>& buffer);
  void write(u64 offset, std::span<const u8> data);
  void write_zeroes(u64 offset, u64 size);
  void write_compressed(u64 offset, std::span<const u8> data);
  void wait_for_turn(const Piece& piece);
  void end_turn();
  void fail();

  const Source& source_;
  BlockNode& target_;
  DiskImage* const image_;
  const CopyOptions& options_;
  Progress& progress_;
  const bool in_order_;

  std::mutex take_mutex_;
  u64 next_ = 0;
  u64 taken_ = 0;
  // What a search for the next piece has found out beyond it.
  Layer ahead_;
  u64 ahead_end_ = 0;

  std::mutex turn_mutex_;
  u64 turn_ = 0;
  std::map<u64, std::condition_variable*> waiting_;  // those whose piece is ready, by its number
  std::atomic<bool> failed_ = false;
  std::exception_ptr failure_;
};

bool Copy::take(Piece& piece) {
  const std::lock_guard lock(take_mutex_);
  if (next_ >= source_.size() || failed_) return false;
  if (next_ >= ahead_end_) {
    ahead_ = source_.layer(next_, source_.size() - next_);
    ahead_end_ = next_ + ahead_.extent.size;
  }
  const Extent& extent = ahead_.extent;
  piece.offset = next_;
  piece.number = taken_++;
  // The top has nothing, and what is below has it in both; without anything below it is zeroes.
  piece.skip = options_.keeps_backing && ahead_.depth != 0;
  piece.zero = !piece.skip && extent.zero;
  if (options_.compressed) {
    // Whole clusters of the target, whatever they are made of.
    const u64 cluster = image_->cluster_size();
    const u64 end = std::min(source_.size(), (next_ / cluster + 1) * cluster);
    if ((piece.skip || piece.zero) && ahead_end_ >= end) {
      piece.size = ahead_end_ >= source_.size() ? ahead_end_ - next_
                                                : ahead_end_ / cluster * cluster - next_;
    } else {
      piece.skip = piece.zero = false;
      piece.size = end - next_;
    }
  } else {
    piece.size = ahead_end_ - next_;
    if (!piece.skip && !piece.zero) piece.size = std::min(piece.size, kPiece - next_ % kPiece);
  }
  next_ += piece.size;
  return true;
}

void Copy::wait_for_turn(const Piece& piece) {
  if (!in_order_) return;
  std::unique_lock lock(turn_mutex_);
  if (turn_ == piece.number) return;
  std::condition_variable ready;
  waiting_.emplace(piece.number, &ready);
  ready.wait(lock, [&] { return turn_ == piece.number || failed_; });
  waiting_.erase(piece.number);
}

void Copy::end_turn() {
  if (!in_order_) return;
  const std::lock_guard lock(turn_mutex_);
  ++turn_;
  if (const auto next = waiting_.find(turn_); next != waiting_.end()) next->second->notify_one();
}

void Copy::write(u64 offset, std::span<const u8> data) {
  while (!data.empty()) {
    const Stretch stretch = first_stretch(data, options_.sparse);
    if (stretch.zero)
      write_zeroes(offset, stretch.size);
    else
      expect_done(target_, target_.write(offset, data.data(), stretch.size));
    offset += stretch.size;
    data = data.subspan(stretch.size);
  }
}

void Copy::write_zeroes(u64 offset, u64 size) {
  if (options_.target_is_zero && options_.sparse != 0) return;
  expect_done(target_, target_.write_zeroes(offset, size, options_.sparse != 0));
}

void Copy::write_compressed(u64 offset, std::span<const u8> data) {
  if (options_.sparse != 0 && is_zero(data)) return write_zeroes(offset, data.size());
  expect_done(target_, image_->write_compressed(offset, data));
}

void Copy::copy(const Piece& piece, std::vector<u8>& buffer) {
  if (piece.skip || piece.zero) {
    wait_for_turn(piece);
    if (piece.zero && !failed_) write_zeroes(piece.offset, piece.size);
  } else {
    buffer.resize(std::max<std::size_t>(buffer.size(), piece.size));
    const std::span<u8> data(buffer.data(), piece.size);
    source_.read(piece.offset, data);
    if (options_.compressed) {
      write_compressed(piece.offset, data);
    } else {
      wait_for_turn(piece);
      if (!failed_) write(piece.offset, data);
    }
  }
  end_turn();
  progress_.add(piece.size);
}

void Copy::fail() {
  const std::lock_guard lock(turn_mutex_);
  if (!failed_.exchange(true)) failure_ = std::current_exception();
  for (const auto& [number, ready] : waiting_) ready->notify_one();
}

void Copy::work() {
  try {
    std::vector<u8> buffer;
    for (Piece piece; take(piece); piece = {}) copy(piece, buffer);
  } catch (...) {
    fail();
  }
}

void Copy::run() {
  std::vector<std::thread> others;
  for (unsigned i = 1; i < options_.threads; ++i) others.emplace_back([this] { work(); });
  work();
  for (std::thread& thread : others) thread.join();
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace

void copy_disk(const Source& source, const OpenImage& target, const CopyOptions& options,
               Progress& progress) {
  if (options.compressed && target.image() == nullptr)
    throw Error("raw images have nothing compressed", "-O qcow2 can");
  Copy(source, target, options, progress).run();
}

}  // namespace backplane::img
