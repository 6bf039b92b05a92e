// SPDX-License-Identifier: MIT
#include <asm/prctl.h>
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"

// Does that in two processes at once, which are told apart by 0 and 1.
static void in_two(void (*act)(int which)) {
  const pid_t other = fork();
  act(other == 0);
  if (other == 0) _exit(0);
  int status = -1;
  CHECK(waitpid(other, &status, 0) == other && status == 0);
}

static void keep_bases(int which) {
  uint64_t words[2] = {0x1111u + which, 0x2222u + which};
  CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, &words[0]) == 0);
  for (unsigned i = 0; i < 300; i++) {
    uint64_t found, base;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(found));
    __asm__ volatile("rdgsbase %0" : "=r"(base));
    CHECK(found == words[i & 1] && base == (uintptr_t)&words[i & 1]);
    // The next is the other's, set by the program itself.
    __asm__ volatile("wrgsbase %0" ::"r"(&words[(i + 1) & 1]));
    if (i % 8 == 0) sched_yield();
    compute(i, 2000);
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    CHECK(*(uint64_t*)base == base);  // as the thread's own block begins
  }
}

void segment_bases_are_kept(void) { in_two(keep_bases); }

static void keep_rounding(int which) {
  const uint32_t mxcsr = which ? 0x5f80 : 0x3f80;  // up, down
  const uint16_t control = which ? 0xb7f : 0x77f;
  __asm__ volatile("fninit; ldmxcsr %0; fldcw %1; fld1; fldpi" ::"m"(mxcsr), "m"(control));
  for (unsigned i = 0; i < 200; i++) {
    volatile double one = 1, three = 3;
    const double third = one / three;
    uint64_t bits;
    memcpy(&bits, &third, sizeof bits);
    CHECK(bits == (which ? 0x3fd5555555555556u : 0x3fd5555555555555u));
    compute(i, 3000);
    if (i % 8 == 0) sched_yield();
    uint32_t found;
    uint16_t control_found;
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(found), "=m"(control_found));
    // The result was not exact.
    CHECK(found == (mxcsr | 0x20) && control_found == control);
  }
  long double pi, unit;
  __asm__ volatile("fstpt %0; fstpt %1; fninit" : "=m"(pi), "=m"(unit));
  CHECK(unit == 1 && pi > 3.14159265358979323L && pi < 3.14159265358979324L);
}

void rounding_is_kept(void) { in_two(keep_rounding); }

#define FOR_16(X) \
  X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD(n) "vmovdqu " #n "*32(%0), %%ymm" #n ";"
#define STORE(n) "vmovdqu %%ymm" #n ", " #n "*32(%1);"

static void keep_vectors(int which) {
  uint8_t put[16 * 32], found[16 * 32];
  for (unsigned round = 0; round < 30; round++) {
    for (unsigned i = 0; i < sizeof put; i++) put[i] = (uint8_t)(i * 7 + round + 101 * which);
    __asm__ volatile(
        FOR_16(
            LOAD) "mov $24, %%eax; syscall; mov $200000, %%edx; 1: dec %%edx; jnz 1b;"  // sched_yield
        FOR_16(STORE) "vzeroupper" ::"r"(put),
        "r"(found)
        : "rax", "rcx", "rdx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
          "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
          "xmm15");
    CHECK(memcmp(put, found, sizeof put) == 0);
  }
}

void vector_registers_are_kept(void) {
  if (__builtin_cpu_supports("avx")) in_two(keep_vectors);
}

// What a system call finds in registers, and what is there behind it.
struct Registers {
  // RDI, RSI, RDX, R8, R9, R10, RBX, RBP, R12 to R15.
  uint64_t in[12], number, out[12], rax, rcx, r11;
};

extern const char after_system_call[];

static void call_with(struct Registers* registers) {
  __asm__ volatile(
      "push %%rbp; push %%rbx; mov 96(%%rbx), %%rax;"
      "mov 0(%%rbx), %%rdi; mov 8(%%rbx), %%rsi; mov 16(%%rbx), %%rdx; mov 24(%%rbx), %%r8;"
      "mov 32(%%rbx), %%r9; mov 40(%%rbx), %%r10; mov 56(%%rbx), %%rbp; mov 64(%%rbx), %%r12;"
      "mov 72(%%rbx), %%r13; mov 80(%%rbx), %%r14; mov 88(%%rbx), %%r15; mov 48(%%rbx), %%rbx;"
      "syscall; .globl after_system_call; after_system_call:;"
      "xchg %%rbx, (%%rsp);"
      "mov %%rdi, 104(%%rbx); mov %%rsi, 112(%%rbx); mov %%rdx, 120(%%rbx);"
      "mov %%r8, 128(%%rbx); mov %%r9, 136(%%rbx); mov %%r10, 144(%%rbx); pop 152(%%rbx);"
      "mov %%rbp, 160(%%rbx); mov %%r12, 168(%%rbx); mov %%r13, 176(%%rbx);"
      "mov %%r14, 184(%%rbx); mov %%r15, 192(%%rbx); mov %%rax, 200(%%rbx);"
      "mov %%rcx, 208(%%rbx); mov %%r11, 216(%%rbx); pop %%rbp" ::"b"(registers)
      : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "memory", "cc");
}

void system_calls_keep_registers(void) {
  for (uint64_t i = 0; i < 100; i++) {
    struct Registers registers;
    for (unsigned n = 0; n < 12; n++) registers.in[n] = compute(i + n, 10);
    const int unknown = i % 3 == 0;
    registers.number = unknown ? 0xfffff000u + i : SYS_getppid;
    call_with(&registers);
    CHECK(memcmp(registers.in, registers.out, sizeof registers.in) == 0);
    CHECK(registers.rax == (unknown ? (uint64_t)-ENOSYS : (uint64_t)getppid()));
    CHECK(registers.rcx == (uintptr_t)after_system_call);
    CHECK((registers.r11 & 0x3700) == 0x200);  // interrupts on; no trap, no I/O privilege
  }
}

void vsyscalls_answer(void) {
  struct timeval now = {0, 0}, called = {0, 0};
  for (int i = 0; i < 50; i++) {
    CHECK(gettimeofday(&now, NULL) == 0);
    CHECK(((int (*)(struct timeval*, void*))0xffffffffff600000)(&called, NULL) == 0);
    CHECK(called.tv_sec - now.tv_sec >= 0 && called.tv_sec - now.tv_sec < 5);
    // By a coarser clock.
    const long seconds = ((long (*)(long*))0xffffffffff600400)(NULL)-now.tv_sec;
    CHECK(seconds >= -1 && seconds < 5);
  }
}
