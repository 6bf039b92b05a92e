// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "suite.h"

static volatile sig_atomic_t ticks;
static volatile double disturbed = 1;

static void tick(int number) {
  (void)number;
  ticks++;
  disturbed = disturbed / 3 + ticks;
}

void signals_leave_registers_alone(void) {
  const uint64_t expected = compute(7, 100000);
  const struct sigaction action = {.sa_handler = tick};
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval often = {{0, 2000}, {0, 2000}};
  setitimer(ITIMER_REAL, &often, NULL);
  while (ticks < 20) CHECK(compute(7, 100000) == expected);
  const struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &never, NULL);
}

static void push_nowhere(void* stack) {
  __asm__ volatile("mov %%rsp, %%rbx; mov %0, %%rsp; push %%rax; mov %%rbx, %%rsp" ::"r"(stack)
                   : "rbx", "memory");
}

static void push_to_code(void* unused) {
  (void)unused;
  push_nowhere((char*)push_nowhere + 64);
}

void signals_come_on_other_stacks(void) {
  const stack_t other = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  CHECK(sigaltstack(&other, NULL) == 0);
  for (int i = 0; i < 10; i++) {
    CHECK(signal_of(push_nowhere, (void*)8) == SIGSEGV);
    CHECK(signal_of(push_nowhere, (void*)0x8000000000000000) == SIGBUS ||
          caught.si_code == SI_KERNEL);
    CHECK(signal_of(push_to_code, NULL) == SIGSEGV && caught.si_code == SEGV_ACCERR);
  }
}

static void divide(void* unused) {
  (void)unused;
  __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; div %%ecx" ::: "eax", "ecx", "edx");
}
static void undefined(void* unused) { (void)unused, __builtin_trap(); }
static void breakpoint(void* unused) {
  (void)unused;
  __asm__ volatile("int3");
}
static void halt(void* unused) {
  (void)unused;
  __asm__ volatile("hlt");
}
static void load_of(void* address) {
  __asm__ volatile("mov (%0), %%eax" ::"r"(address) : "eax", "memory");
}
static void load_misaligned(void* address) {
  __asm__ volatile(
      "pushfq; orq $0x40000, (%%rsp); popfq; mov (%0), %%eax; pushfq; andq $~0x40000, (%%rsp); "
      "popfq" ::"r"(address)
      : "eax", "memory", "cc");
}
static void divide_floats(void* unused) {
  (void)unused;
  const uint32_t unmasked = 0x1f80 & ~(1u << 9);
  __asm__ volatile(
      "ldmxcsr %0; xorps %%xmm0, %%xmm0; cvtsi2ss %1, %%xmm1; divss %%xmm0, %%xmm1" ::"m"(unmasked),
      "r"(1)
      : "xmm0", "xmm1");
}
static void divide_x87(void* unused) {
  (void)unused;
  const uint16_t unmasked = 0x37f & ~4;
  __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait; fninit" ::"m"(unmasked));
}

void exceptions_are_signals(void) {
  static const char kWord[8] __attribute__((aligned(8))) = {0};
  static const struct {
    void (*act)(void*);
    const void* with;
    int number, code;
  } kCases[] = {
      {divide, 0, SIGFPE, FPE_INTDIV},
      {undefined, 0, SIGILL, ILL_ILLOPN},
      {breakpoint, 0, SIGTRAP, SI_KERNEL},
      {halt, 0, SIGSEGV, SI_KERNEL},
      {load_of, (void*)0x10, SIGSEGV, SEGV_MAPERR},
      {load_of, (void*)0x8000000000000000, SIGSEGV, SI_KERNEL},
      {load_misaligned, kWord + 1, SIGBUS, BUS_ADRALN},
      {divide_floats, 0, SIGFPE, FPE_FLTDIV},
      {divide_x87, 0, SIGFPE, FPE_FLTDIV},
  };
  for (int round = 0; round < 5; round++)
    for (unsigned i = 0; i < sizeof kCases / sizeof *kCases; i++) {
      CHECK(signal_of(kCases[i].act, (void*)kCases[i].with) == kCases[i].number);
      CHECK(caught.si_code == kCases[i].code);
      const uint32_t masked = 0x1f80;
      __asm__ volatile("ldmxcsr %0; fninit" ::"m"(masked));
    }
}

static volatile sig_atomic_t steps;

static void step(int number) {
  (void)number;
  steps++;
}

void single_steps_are_counted(void) {
  const struct sigaction action = {.sa_handler = step};
  sigaction(SIGTRAP, &action, NULL);
  for (int round = 0; round < 5; round++) {
    steps = 0;
    __asm__ volatile(
        "pushfq; orq $0x100, (%%rsp); popfq; nop; nop; nop; nop;"
        "pushfq; andq $~0x100, (%%rsp); popfq; nop" ::
            : "memory", "cc");
    CHECK(steps == 7);
  }
}
