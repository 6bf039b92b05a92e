// SPDX-License-Identifier: MIT
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"

enum { kPage = 4096, kReadWrite = PROT_READ | PROT_WRITE };

static void load(void* address) { (void)*(volatile char*)address; }
static void store(void* address) { *(volatile char*)address = 1; }
static void run(void* address) { ((void (*)(void))address)(); }

static int refuses(void (*act)(void*), void* address, int code) {
  return signal_of(act, address) == SIGSEGV && caught.si_code == code && caught.si_addr == address;
}

static char* pages(int count, int rights) {
  char* memory = mmap(NULL, count * kPage, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  return memory;
}

void rights_are_those_of_the_tables(void) {
  for (int round = 0; round < 50; round++) {
    char* memory = pages(4, kReadWrite);
    memset(memory, round + 1, 4 * kPage);
    CHECK(mprotect(memory + kPage, kPage, PROT_READ) == 0);
    CHECK(refuses(store, memory + kPage + 8, SEGV_ACCERR) && memory[kPage + 8] == round + 1);
    CHECK(signal_of(store, memory) == 0 && signal_of(store, memory + 2 * kPage) == 0);
    CHECK(refuses(run, memory, SEGV_ACCERR));
    CHECK(mprotect(memory, kPage, PROT_NONE) == 0);
    CHECK(refuses(load, memory, SEGV_ACCERR));
    CHECK(mprotect(memory, 2 * kPage, kReadWrite) == 0 && signal_of(store, memory + kPage) == 0);
    CHECK(madvise(memory, kPage, MADV_DONTNEED) == 0 && memory[8] == 0);
    char* moved = mremap(memory + 3 * kPage, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED,
                         pages(1, PROT_NONE));
    CHECK(moved != MAP_FAILED && moved[9] == round + 1);
    CHECK(refuses(load, memory + 3 * kPage, SEGV_MAPERR));
    munmap(memory, 4 * kPage);
    CHECK(refuses(load, memory, SEGV_MAPERR));
    munmap(moved, kPage);
  }
}

void files_end(void) {
  const int file = memfd_create("short", 0);
  CHECK(file >= 0 && ftruncate(file, 2 * kPage) == 0);
  char* memory = mmap(NULL, 2 * kPage, kReadWrite, MAP_SHARED, file, 0);
  CHECK(memory != MAP_FAILED);
  memory[kPage] = 5;
  CHECK(ftruncate(file, kPage) == 0);
  CHECK(signal_of(load, memory + kPage) == SIGBUS && caught.si_code == BUS_ADRERR);
  CHECK(ftruncate(file, 2 * kPage) == 0 && memory[kPage] == 0);
}

typedef unsigned (*Function)(unsigned);

// mov eax, value; ret
static void write_answer(char* code, unsigned value) {
  code[0] = (char)0xb8;
  memcpy(code + 1, &value, sizeof value);
  code[5] = (char)0xc3;
}

void code_modifies_itself(void) {
  char* code = pages(2, kReadWrite | PROT_EXEC);
  // mov [rip + 1], edi, which is the operand of what follows; mov eax, 0; ret
  memcpy(code, "\x89\x3d\x01\0\0\0\xb8\0\0\0\0\xc3", 12);
  for (unsigned i = 0; i < 500; i++) CHECK(((Function)code)(i * 77) == i * 77);
  for (unsigned i = 0; i < 500; i++) {
    write_answer(code + kPage - 3, i);  // over the end of the page
    CHECK(((Function)(code + kPage - 3))(0) == i);
  }
}

void code_comes_by_another_mapping(void) {
  const int file = memfd_create("code", 0);
  CHECK(file >= 0 && ftruncate(file, kPage) == 0);
  char* written = mmap(NULL, kPage, kReadWrite, MAP_SHARED, file, 0);
  char* executed = mmap(NULL, kPage, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
  CHECK(written != MAP_FAILED && executed != MAP_FAILED);
  for (unsigned i = 0; i < 1000; i++) {
    const unsigned at = i * 61 % 4000;
    write_answer(written + at, i);
    CHECK(((Function)(executed + at))(0) == i);
  }
  // By the kernel.
  for (unsigned i = 0; i < 100; i++) {
    char code[6];
    write_answer(code, i ^ 0x5555);
    CHECK(pwrite(file, code, sizeof code, 256) == sizeof code);
    CHECK(((Function)(executed + 256))(0) == (i ^ 0x5555));
  }
}

void code_becomes_executable(void) {
  char* code = pages(1, kReadWrite);
  for (unsigned i = 0; i < 200; i++) {
    write_answer(code, i);
    CHECK(i > 2 || refuses(run, code, SEGV_ACCERR));
    CHECK(mprotect(code, kPage, PROT_READ | PROT_EXEC) == 0);
    CHECK(((Function)code)(0) == i);
    CHECK(i > 2 || refuses(store, code, SEGV_ACCERR));
    CHECK(mprotect(code, kPage, kReadWrite) == 0);
  }
}
