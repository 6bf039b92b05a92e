// SPDX-License-Identifier: MIT
// A saved machine inside of a disk image.
#pragma once

#include <string>
#include <vector>

#include "backplane/image.h"
#include "state/chunks.h"

namespace backplane {

// Writes what belongs to the snapshot that the image makes next, in large pieces.
class VmStateWriter final : public ByteSink {
 public:
  explicit VmStateWriter(VmStateImage& image) : image_(image) {}

  void put(std::span<const u8> bytes) override;
  // How many bytes it was, all of them written.
  u64 finish();

 private:
  void write();

  VmStateImage& image_;
  std::vector<u8> buffer_;
  u64 written_ = 0;
};

class VmStateReader final : public ByteSource {
 public:
  // `name` is what messages call it.
  VmStateReader(VmStateImage& image, const Snapshot& snapshot, std::string name)
      : image_(image), id_(snapshot.id), size_(snapshot.vm_state_size), name_(std::move(name)) {}

  void get(std::span<u8> bytes) override;
  // Throws Error if something follows.
  void expect_end() const;

 private:
  VmStateImage& image_;
  const std::string id_;
  const u64 size_;
  const std::string name_;
  std::vector<u8> buffer_;
  u64 used_ = 0;  // of the buffer
  u64 read_ = 0;  // of the state
};

}  // namespace backplane
