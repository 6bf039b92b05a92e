// SPDX-License-Identifier: MIT
#include "emit/code_buffer.h"

#include <sys/mman.h>
#include <sys/random.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane::tcg {
namespace {

// Where a random address lies: most of what a program has, without its ends, where the system and
// sanitizers place their own.
constexpr u64 kLowest = 0x200000000000, kHighest = 0x700000000000, kPage = 4096;
constexpr unsigned kTries = 64;

// Maps memory at a random address. The system places one mapping beside another: whoever knows the
// one would know the other.
void* map_apart(u64 size) {
  for (unsigned n = 0; n < kTries; ++n) {
    u64 number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number) return MAP_FAILED;
    const u64 address = kLowest + number % ((kHighest - kLowest - size) / kPage) * kPage;
    void* const wanted = reinterpret_cast<void*>(address);
    void* const mapped =
        mmap(wanted, size, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
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

// No file: the host's profilers look for names of their own in memory that is of none.
CodeBuffer::CodeBuffer(u64 size) : size_(size) {
  void* const writable = map_apart(size);
  if (writable == MAP_FAILED) throw Error::system("cannot map the code buffer", errno);
  // Of shared memory, none moved is the same once more. [mremap(2), "old_size"]
  void* const again = mremap(writable, 0, size, MREMAP_MAYMOVE);
  if (again == MAP_FAILED || mprotect(again, size, PROT_READ | PROT_EXEC) != 0) {
    const int error = errno;
    if (again != MAP_FAILED) munmap(again, size);
    munmap(writable, size);
    throw Error::system("cannot map the code buffer for running it", error);
  }
  writable_ = static_cast<u8*>(writable);
  executable_ = static_cast<u8*>(again);
}

CodeBuffer::~CodeBuffer() {
  munmap(writable_, size_);
  munmap(executable_, size_);
}

}  // namespace backplane::tcg
