// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "backplane/error.h"
#include "backplane/memory.h"

namespace backplane {

namespace {

u64 round_up_to_page(u64 size) { return (size + kPageSize - 1) & kPageMask; }

}  // namespace

RamBlock::RamBlock(std::string name, u64 size)
    : name_(std::move(name)), size_(round_up_to_page(size)) {
  if (size == 0 || size_ < size)
    throw Error::of("memory '{}': a size of {} bytes is not possible", name_, size);

  fd_ = memfd_create(name_.c_str(), MFD_CLOEXEC);
  if (fd_ < 0) throw Error::system(fmt::format("memory '{}': cannot create a memfd", name_), errno);
  if (ftruncate(fd_, static_cast<off_t>(size_)) != 0) {
    const int error = errno;
    close(fd_);
    throw Error::system(fmt::format("memory '{}': cannot reserve {} bytes", name_, size_), error);
  }
  void* const mapping =
      mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd_, 0);
  if (mapping == MAP_FAILED) {
    const int error = errno;
    close(fd_);
    throw Error::system(fmt::format("memory '{}': cannot map {} bytes", name_, size_), error);
  }
  madvise(mapping, size_, MADV_DONTDUMP);
  host_ = static_cast<u8*>(mapping);
  // An atomic byte of value 0 is a byte of value 0.
  flags_.reset(static_cast<std::atomic<u8>*>(std::calloc(size_ / kPageSize, sizeof(u8))));
  if (flags_ == nullptr) {
    munmap(host_, size_);
    close(fd_);
    throw Error::of("memory '{}': no memory to keep account of {} bytes", name_, size_);
  }
}

RamBlock::~RamBlock() {
  munmap(host_, size_);
  close(fd_);
}

void RamBlock::discard(u64 offset, u64 size) {
  if (offset >= size_) return;
  const u64 end = (offset + std::min(size, size_ - offset)) & kPageMask;
  const u64 start = round_up_to_page(offset);
  if (start >= end) return;
  about_to_write(start, end - start);
  if (fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(start),
                static_cast<off_t>(end - start)) != 0)
    std::memset(host_ + start, 0, end - start);
}

void RamBlock::report_code_write(u64 offset, u64 size) {
  if (code_write_hook_) code_write_hook_(*this, offset, size);
}

}  // namespace backplane
