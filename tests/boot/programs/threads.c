// SPDX-License-Identifier: MIT
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suite.h"

enum { kThreads = 4, kPage = 4096 };

static void start(pthread_t* threads, void* (*act)(void*)) {
  for (long i = 0; i < kThreads; i++) CHECK(pthread_create(&threads[i], NULL, act, (void*)i) == 0);
}
static void end(pthread_t* threads) {
  for (int i = 0; i < kThreads; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

static atomic_ulong counted;
static unsigned long guarded;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Alignas(16) uint64_t pair[2];

static void* count(void* which) {
  for (unsigned i = 0; i < 20000; i++) {
    atomic_fetch_add(&counted, 1);
    if (i % 16 == 0) {
      pthread_mutex_lock(&mutex);
      guarded++;
      pthread_mutex_unlock(&mutex);
    }
    // Both halves at once, or neither.
    uint64_t low = pair[0], high = pair[1];
    for (char done = 0; !done;)
      __asm__ volatile("lock cmpxchg16b %1; setz %0"
                       : "=q"(done), "+m"(pair), "+a"(low), "+d"(high)
                       : "b"(low + 1), "c"(high + 2)
                       : "cc");
    if (i % 4096 == 0) compute((uintptr_t)which, 100000);
  }
  return NULL;
}

void threads_count(void) {
  pthread_t threads[kThreads];
  start(threads, count);
  end(threads);
  CHECK(counted == kThreads * 20000 && guarded == kThreads * 1250);
  CHECK(pair[0] == counted && pair[1] == 2 * counted);
}

// What goes on at present: a number that grows, of which the rest by four tells what readers find.
enum { kChanging = 0, kGone = 1, kThere = 3 };
static atomic_uint phase;
static atomic_uint seen_by[kThreads];
static atomic_int ended;
static char* page;

// Tells of the next phase, and waits until all others have looked at what they find in it.
static void next_phase(void) {
  const unsigned now = atomic_fetch_add(&phase, 1) + 1;
  if (now % 2 == 0) return;
  for (int i = 0; i < kThreads; i++)
    while (atomic_load(&seen_by[i]) != now) sched_yield();
}

static void touch(void* unused) {
  (void)unused;
  (void)*(volatile char*)page;
}

static void* use_while_it_may(void* which) {
  while (!atomic_load(&ended)) {
    const unsigned before = atomic_load(&phase);
    const int number = signal_of(touch, NULL);
    if (before == atomic_load(&phase)) {
      if (before % 4 == kGone) CHECK(number == SIGSEGV);
      if (before % 4 == kThere) CHECK(number == 0);
      atomic_store(&seen_by[(uintptr_t)which], before);
    }
    compute(before, 300);
    sched_yield();
  }
  return NULL;
}

void threads_lose_rights(void) {
  page = mmap(NULL, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(page != MAP_FAILED);
  pthread_t threads[kThreads];
  start(threads, use_while_it_may);
  for (unsigned round = 0; round < 10; round++) {
    CHECK(mprotect(page, kPage, PROT_NONE) == 0);
    next_phase();
    next_phase();
    CHECK(mprotect(page, kPage, PROT_READ) == 0);
    next_phase();
    next_phase();
  }
  atomic_store(&ended, 1);
  end(threads);
}

static atomic_uint version;

static void* read_pages(void* unused) {
  (void)unused;
  for (unsigned found = 0; found < 59;) {
    const unsigned least = atomic_load(&version);
    found = *(volatile unsigned*)page;
    CHECK(found >= least);
    if (found == least) sched_yield();
  }
  return NULL;
}

void threads_see_new_pages(void) {
  const int file = memfd_create("pages", 0);
  CHECK(file >= 0);
  for (unsigned i = 0; i < 60; i++) CHECK(pwrite(file, &i, sizeof i, i * kPage) == sizeof i);
  page = mmap(NULL, kPage, PROT_READ, MAP_SHARED, file, 0);
  CHECK(page != MAP_FAILED);
  pthread_t threads[kThreads];
  start(threads, read_pages);
  for (unsigned i = 1; i < 60; i++) {
    CHECK(mmap(page, kPage, PROT_READ, MAP_SHARED | MAP_FIXED, file, i * kPage) == page);
    atomic_store(&version, i);
    compute(i, 1000);
    sched_yield();
  }
  end(threads);
}

static void* run_code(void* unused) {
  (void)unused;
  for (unsigned found = 0; found < 60;) {
    const unsigned least = atomic_load(&version);
    found = ((unsigned (*)(void))page)();
    CHECK(found >= least);
    if (found == least) sched_yield();
  }
  return NULL;
}

// By another mapping, with what [membarrier(2)] gives to compilers that do so.
void threads_see_new_code(void) {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) != 0)
    return;
  const int file = memfd_create("code", 0);
  CHECK(file >= 0 && ftruncate(file, kPage) == 0);
  char* written = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  page = mmap(NULL, kPage, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
  CHECK(written != MAP_FAILED && page != MAP_FAILED);
  memcpy(written, "\x0f\x1f\0\xb8\0\0\0\0\xc3", 9);  // nop; mov eax, 0, at a multiple of 4; ret
  pthread_t threads[kThreads];
  start(threads, run_code);
  for (unsigned i = 1; i <= 60; i++) {
    atomic_store((atomic_uint*)(written + 4), i);
    CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) == 0);
    atomic_store(&version, i);
    compute(i, 1000);
    if (i % 4 == 0) sched_yield();
  }
  end(threads);
}
