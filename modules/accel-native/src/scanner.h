// SPDX-License-Identifier: MIT
// Looks for instructions that would answer ring 3 with what is the host's and not the guest's,
// without a trap.
#pragma once

#include <optional>
#include <span>
#include <unordered_map>

#include "backplane/memory.h"
#include "backplane/types.h"

namespace backplane::native {

// A page of code, copied, with what is in front of it and behind it as far as that is known.
class CodeWindow {
 public:
  // The neighbouring pages, or nothing.
  void set(std::span<const u8> before, std::span<const u8> page, std::span<const u8> behind);
  std::span<const u8> bytes() const { return {bytes_, size_}; }
  unsigned before() const { return before_; }
  // Of all the bytes: others have the same by chance only, for who does not know the key.
  u64 hash(u64 key) const;

  static constexpr unsigned kAround = 80, kMostBytes = kAround + kPageSize + kAround;

 private:
  unsigned before_ = 0, size_ = 0;
  u8 bytes_[kMostBytes];
};

// What RDTSC and RDTSCP do in a stub: answer for the host, or trap.
enum class Rdtsc : u8 { Answers, Traps };

// The offset in the window of the opcode of one that lies in the page, or that ends there; of one
// that goes on behind what is known, the next page will tell. Bytes that look like one within
// another instruction are none: who jumps into the middle of an instruction to execute them is
// answered by the host.
std::optional<unsigned> find_banned(const CodeWindow& window, Rdtsc rdtsc);

// What was found of pages, as long as they hold the same.
class ScannedPages {
 public:
  // Whether the page at that offset in RAM, which the window shows, has one.
  bool is_banned(u64 offset, const CodeWindow& window, Rdtsc rdtsc);

 private:
  struct Found {
    u64 hash = 0;
    bool banned = false;  // where RDTSC answers
    bool banned_though_it_traps = false;
  };
  static u64 random_key();

  const u64 key_ = random_key();
  std::unordered_map<u64, Found> known_;
};

}  // namespace backplane::native
