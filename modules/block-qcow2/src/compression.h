// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "backplane/compressor.h"
#include "format.h"

namespace backplane::qcow2 {

// Packs and unpacks clusters. [qcow2 "Compressed Clusters Descriptor"] Any thread, several at a
// time.
class Codec {
 public:
  explicit Codec(Compression compression) : compression_(compression) {}

  // Whether what it needs is installed; throws Error, saying what is missing. Machine lock.
  void expect_usable();
  // Empty: the data does not become smaller. 0 or a negative errno.
  int pack(std::span<const u8> data, std::vector<u8>& packed);
  // Fills `data`. What follows the packed data is ignored. -EIO if it is none.
  int unpack(std::span<const u8> packed, std::span<u8> data);

 private:
  // One for each that is at work.
  std::unique_ptr<Compressor> take();
  void give(std::unique_ptr<Compressor> compressor);

  const Compression compression_;
  std::mutex mutex_;  // innermost
  std::vector<std::unique_ptr<Compressor>> idle_;
};

}  // namespace backplane::qcow2
