// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static unsigned char shared_by_copies[8 * 4096];
static int number_of_child;

static int change_copies(void) {
  for (unsigned i = 0; i < sizeof shared_by_copies; i += 512)
    shared_by_copies[i] += number_of_child;
  int sum = 0;
  for (unsigned i = 0; i < sizeof shared_by_copies; i += 512) sum += shared_by_copies[i];
  return sum & 0x7f;
}

void processes_fork(void) {
  for (int i = 0; i < 30; i++) {
    number_of_child = i;
    CHECK(in_child(change_copies) == (64 * (i & 0xff) & 0x7f) << 8);
    CHECK(shared_by_copies[512] == 0);
  }
}

static int run_other(void) {
  char number[8];
  snprintf(number, sizeof number, "%d", number_of_child);
  execl("/proc/self/exe", "programs", "exit", number, NULL);
  return 255;
}

void processes_run_others(void) {
  for (int i = 0; i < 20; i++) {
    number_of_child = i;
    CHECK(in_child(run_other) == i << 8);
  }
}

static void ask_for_process(void* unused) {
  (void)unused;
  syscall(SYS_getpid);
}

static int filtered(void) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 5),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
  for (int i = 0; i < 20; i++) {
    CHECK(syscall(SYS_getppid) == -1 && errno == EDOM);
    CHECK(signal_of(ask_for_process, NULL) == SIGSYS);
    CHECK(caught.si_syscall == SYS_getpid && caught.si_errno == 5);
  }
  syscall(SYS_getuid);
  return 3;
}

void seccomp_filters(void) { CHECK((in_child(filtered) & 0x7f) == SIGSYS); }

static volatile uint64_t watched;

__attribute__((noinline)) static void traced_function(void) {
  __asm__ volatile("nop; nop");
  watched++;
}

static int be_traced(void) {
  ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  raise(SIGSTOP);
  for (int i = 0; i < 5; i++) {
    compute(i, 1000);
    traced_function();
  }
  return (int)watched;
}

static pid_t start_traced(void) {
  const pid_t child = fork();
  if (child == 0) _exit(be_traced());
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
  return child;
}

static int go_on(pid_t child, int how) {
  int status = -1;
  CHECK(ptrace(how, child, NULL, NULL) == 0 && waitpid(child, &status, 0) == child);
  return status;
}

static uint64_t place_of(pid_t child) {
  struct user_regs_struct registers;
  CHECK(ptrace(PTRACE_GETREGS, child, NULL, &registers) == 0);
  return registers.rip;
}

void tracers_step(void) {
  const pid_t child = start_traced();
  for (int i = 0; i < 300; i++) {
    const uint64_t before = place_of(child);
    const int status = go_on(child, PTRACE_SINGLESTEP);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP && place_of(child) != before);
  }
  const int status = go_on(child, PTRACE_CONT);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

// As a debugger does: a breakpoint in the code, and a register that watches data.
void tracers_break_and_watch(void) {
  const pid_t child = start_traced();
  const uint64_t place = (uintptr_t)traced_function;
  const long code = ptrace(PTRACE_PEEKTEXT, child, place, NULL);
  const size_t registers = offsetof(struct user, u_debugreg);
  CHECK(ptrace(PTRACE_POKEUSER, child, registers, &watched) == 0);
  for (int i = 0; i < 5; i++) {
    CHECK(ptrace(PTRACE_POKETEXT, child, place, (code & ~0xffL) | 0xcc) == 0);
    int status = go_on(child, PTRACE_CONT);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP && place_of(child) == place + 1);
    CHECK(ptrace(PTRACE_POKETEXT, child, place, code) == 0);
    CHECK(ptrace(PTRACE_POKEUSER, child, offsetof(struct user, regs.rip), place) == 0);
    // Bytes 8, writes, enabled. [SDM 3B "Debug Control Register (DR7)"]
    CHECK(ptrace(PTRACE_POKEUSER, child, registers + 7 * 8, 0x90001) == 0);
    status = go_on(child, PTRACE_CONT);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    CHECK(ptrace(PTRACE_PEEKDATA, child, &watched, NULL) == i + 1);
    CHECK(ptrace(PTRACE_POKEUSER, child, registers + 7 * 8, 0) == 0);
  }
  const int status = go_on(child, PTRACE_CONT);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}
