// SPDX-License-Identifier: MIT
#include "emit/code_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane::tcg {

CodeBuffer::CodeBuffer(u64 size) : size_(size) {
  const int fd = memfd_create("backplane-code", MFD_CLOEXEC);
  if (fd < 0) throw Error::system("cannot create the code buffer", errno);
  if (ftruncate(fd, static_cast<off_t>(size)) != 0) {
    const int error = errno;
    close(fd);
    throw Error::system("cannot size the code buffer", error);
  }
  void* writable = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  void* executable = mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, fd, 0);
  const int error = errno;
  close(fd);
  if (writable != MAP_FAILED) writable_ = static_cast<u8*>(writable);
  if (executable != MAP_FAILED) executable_ = static_cast<u8*>(executable);
  if (writable_ == nullptr || executable_ == nullptr) {
    if (writable_ != nullptr) munmap(writable_, size_);
    if (executable_ != nullptr) munmap(executable_, size_);
    throw Error::system("cannot map the code buffer", error);
  }
}

CodeBuffer::~CodeBuffer() {
  munmap(writable_, size_);
  munmap(executable_, size_);
}

}  // namespace backplane::tcg
