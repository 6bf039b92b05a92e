// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdlib>

#include "backplane/error.h"
#include "backplane/memory.h"
#include "memory/ram_mapping.h"

namespace backplane {

namespace {

u64 round_up_to_page(u64 size) { return (size + kPageSize - 1) & kPageMask; }

}  // namespace

RamBlock::RamBlock(std::string name, u64 size)
    : name_(std::move(name)), size_(round_up_to_page(size)) {
  if (size == 0 || size_ < size)
    throw Error::of("memory '{}': a size of {} bytes is not possible", name_, size);

  const RamMapping mapping = map_ram(name_, size_);
  host_ = mapping.host;
  fd_ = mapping.fd;
  // An atomic byte of value 0 is a byte of value 0. The one after those of the pages says which
  // logs are kept.
  flags_.reset(static_cast<std::atomic<u8>*>(std::calloc(size_ / kPageSize + 1, sizeof(u8))));
  if (flags_ == nullptr) {
    unmap_ram(mapping, size_);
    throw Error::of("memory '{}': no memory to keep account of {} bytes", name_, size_);
  }
}

RamBlock::~RamBlock() { unmap_ram({.host = host_, .fd = fd_}, size_); }

void RamBlock::discard(u64 offset, u64 size) {
  if (offset >= size_) return;
  const u64 end = (offset + std::min(size, size_ - offset)) & kPageMask;
  const u64 start = round_up_to_page(offset);
  if (start >= end) return;
  about_to_write(start, end - start);
  clear_ram({.host = host_, .fd = fd_}, start, end - start);
}

RamBlock::Run RamBlock::next_in_use(u64 offset) const {
  Run run{.start = offset, .end = size_};
  if (offset < size_) find_used_ram({.host = host_, .fd = fd_}, run.start, run.end);
  run.start &= kPageMask;
  run.end = std::min(round_up_to_page(run.end), size_);
  return run;
}

void RamBlock::log_writes(bool on) { log_writes(on, kWritten); }

bool RamBlock::log_writes(bool on, PageFlag log) {
  std::atomic<u8>& kept = flags_[size_ / kPageSize];
  if (on) take_written(log);
  const u8 logs = static_cast<u8>(on ? kept | log : kept & ~log);
  kept = logs;
  logs_writes_.store(logs != 0);
  return (logs & ~log) == 0;
}

bool RamBlock::logs_writes(PageFlag log) const { return (flags_[size_ / kPageSize] & log) != 0; }

void RamBlock::mark_written(u64 offset, u64 size) {
  const u64 end = std::min(size_, offset + size);
  for (u64 page = offset & kPageMask; page < end; page += kPageSize)
    page_flags(page).fetch_or(kWritten | kShown, std::memory_order_release);
}

std::vector<u64> RamBlock::take_written() { return take_written(kWritten); }

std::vector<u64> RamBlock::take_written(PageFlag log) {
  std::vector<u64> pages;
  for (u64 page = 0; page < size_; page += kPageSize) {
    std::atomic<u8>& flags = page_flags(page);
    if ((flags.load(std::memory_order_acquire) & log) == 0) continue;
    flags.fetch_and(static_cast<u8>(~log));
    pages.push_back(page);
  }
  return pages;
}

void RamBlock::report_code_write(u64 offset, u64 size) {
  if (code_write_hook_) code_write_hook_(*this, offset, size);
}

}  // namespace backplane
