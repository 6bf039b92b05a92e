// SPDX-License-Identifier: MIT
// Reads or writes a block device past the page cache for a time, so many requests at once, in
// order or at random, and says how many bytes that was and in how many seconds.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { kMostRequests = 64 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t random_number(void) {
  static uint64_t state = 88172645463325252ULL;
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static void give_up(const char* what) {
  perror(what);
  exit(1);
}

int main(int count, char** words) {
  if (count != 7) {
    fputs("usage: blocks DEVICE read|write order|random SIZE REQUESTS SECONDS\n", stderr);
    return 2;
  }
  const int writes = !strcmp(words[2], "write"), at_random = !strcmp(words[3], "random");
  const size_t size = strtoul(words[4], NULL, 0);
  const long requests = strtol(words[5], NULL, 0);
  const double seconds = strtod(words[6], NULL);
  const int device = open(words[1], (writes ? O_RDWR : O_RDONLY) | O_DIRECT);
  if (device < 0) give_up(words[1]);
  uint64_t bytes = 0;
  if (ioctl(device, BLKGETSIZE64, &bytes)) give_up("BLKGETSIZE64");
  const uint64_t blocks = size != 0 ? bytes / size : 0;
  if (blocks == 0 || requests < 1 || requests > kMostRequests) return 2;

  aio_context_t context = 0;
  if (syscall(SYS_io_setup, requests, &context)) give_up("io_setup");
  struct iocb blocks_of[kMostRequests];
  uint64_t next = 0, done = 0;
  memset(blocks_of, 0, sizeof blocks_of);
  for (long i = 0; i < requests; ++i) {
    void* buffer = NULL;
    if (posix_memalign(&buffer, 4096, size)) return 1;
    memset(buffer, 'x', size);
    blocks_of[i].aio_data = (uint64_t)i;
    blocks_of[i].aio_lio_opcode = writes ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
    blocks_of[i].aio_fildes = (uint32_t)device;
    blocks_of[i].aio_buf = (uint64_t)(uintptr_t)buffer;
    blocks_of[i].aio_nbytes = size;
  }

  const double start = now();
  struct io_event events[kMostRequests];
  long ready = requests;
  for (long i = 0; i < requests; ++i) events[i].data = (uint64_t)i;
  for (;;) {
    struct iocb* submitted[kMostRequests];
    for (long i = 0; i < ready; ++i) {
      struct iocb* const block = &blocks_of[events[i].data];
      block->aio_offset = (int64_t)((at_random ? random_number() : next++) % blocks * size);
      submitted[i] = block;
    }
    if (syscall(SYS_io_submit, context, ready, submitted) != ready) give_up("io_submit");
    ready = syscall(SYS_io_getevents, context, 1L, requests, events, NULL);
    if (ready < 1) give_up("io_getevents");
    for (long i = 0; i < ready; ++i) {
      if (events[i].res != (int64_t)size) return 1;
      done += size;
    }
    if (now() - start >= seconds) break;
  }
  printf("%llu bytes in %.6f s\n", (unsigned long long)done, now() - start);
  return 0;
}
