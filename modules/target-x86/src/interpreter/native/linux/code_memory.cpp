// SPDX-License-Identifier: MIT
#include "../code_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane::x86::interpreter {

CodeMemory::CodeMemory(std::size_t size) : size_(size) {
  const int fd = memfd_create("backplane-interpreter", MFD_CLOEXEC);
  if (fd < 0) throw Error::system("memory for generated code", errno);
  void* writable = MAP_FAILED;
  void* executable = MAP_FAILED;
  if (ftruncate(fd, static_cast<off_t>(size)) == 0) {
    writable = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    executable = mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  }
  const int saved_errno = errno;
  close(fd);
  if (writable == MAP_FAILED || executable == MAP_FAILED) {
    if (writable != MAP_FAILED) munmap(writable, size);
    throw Error::system("memory for generated code", saved_errno);
  }
  writable_ = static_cast<u8*>(writable);
  executable_ = static_cast<const u8*>(executable);
}

CodeMemory::~CodeMemory() {
  munmap(writable_, size_);
  munmap(const_cast<u8*>(executable_), size_);
}

}  // namespace backplane::x86::interpreter
