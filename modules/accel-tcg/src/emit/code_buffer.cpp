// SPDX-License-Identifier: MIT
#include "emit/code_buffer.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane::tcg {
namespace {

// Where a random address lies: most of what a program has, without its ends, where the system and
// sanitizers place their own.
constexpr u64 kLowest = 0x200000000000, kHighest = 0x700000000000, kPage = 4096;
constexpr unsigned kTries = 64;

// Maps the file at a random address. The system places one mapping beside another: whoever knows
// the one would know the other.
void* map_apart(int fd, u64 size) {
  for (unsigned n = 0; n < kTries; ++n) {
    u64 number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number) return MAP_FAILED;
    const u64 address = kLowest + number % ((kHighest - kLowest - size) / kPage) * kPage;
    void* const wanted = reinterpret_cast<void*>(address);
    void* const mapped = mmap(wanted, size, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd, 0);
    if (mapped == wanted) return mapped;
    // A kernel before 4.17 takes the address for a wish.
    if (mapped != MAP_FAILED)
      munmap(mapped, size);
    else if (errno != EEXIST)
      return MAP_FAILED;
  }
  return MAP_FAILED;
}

}  // namespace

CodeBuffer::CodeBuffer(u64 size) : size_(size) {
  const int fd = memfd_create("backplane-code", MFD_CLOEXEC);
  if (fd < 0) throw Error::system("cannot create the code buffer", errno);
  if (ftruncate(fd, static_cast<off_t>(size)) != 0) {
    const int error = errno;
    close(fd);
    throw Error::system("cannot size the code buffer", error);
  }
  void* executable = mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, fd, 0);
  void* writable = executable != MAP_FAILED ? map_apart(fd, size) : MAP_FAILED;
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
