// SPDX-License-Identifier: MIT
#include "state/vm_state.h"

#include <algorithm>

#include "backplane/error.h"

namespace backplane {

namespace {

constexpr u64 kPiece = 4_MiB;  // no cluster is larger

}  // namespace

void VmStateWriter::put(std::span<const u8> bytes) {
  while (!bytes.empty()) {
    const u64 step = std::min<u64>(bytes.size(), kPiece - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(step));
    bytes = bytes.subspan(step);
    if (buffer_.size() == kPiece) write();
  }
}

void VmStateWriter::write() {
  image_.write_vm_state(written_, buffer_);
  written_ += buffer_.size();
  buffer_.clear();
}

u64 VmStateWriter::finish() {
  if (!buffer_.empty()) write();
  return written_;
}

void VmStateReader::get(std::span<u8> bytes) {
  while (!bytes.empty()) {
    if (used_ == buffer_.size()) {
      if (read_ == size_) throw Error::of("{}: ends too early: it is not complete", name_);
      buffer_.resize(std::min(kPiece, size_ - read_));
      image_.read_vm_state(id_, read_, buffer_);
      read_ += buffer_.size();
      used_ = 0;
    }
    const u64 step = std::min<u64>(bytes.size(), buffer_.size() - used_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(used_), step, bytes.begin());
    used_ += step;
    bytes = bytes.subspan(step);
  }
}

void VmStateReader::expect_end() const {
  if (used_ != buffer_.size() || read_ != size_)
    throw Error::of("{}: goes on after its end", name_);
}

}  // namespace backplane
