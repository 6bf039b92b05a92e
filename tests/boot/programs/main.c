// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

void failed(const char* what, const char* file, int line) {
  const char* name = strrchr(file, '/');
  char text[300];
  const int size =
      snprintf(text, sizeof text, "%s:%d: not so: %s\n", name ? name + 1 : file, line, what);
  if (write(STDOUT_FILENO, text, size) != size) _exit(2);
  _exit(1);
}

__attribute__((noinline)) uint64_t compute(uint64_t seed, unsigned rounds) {
  uint64_t a = seed, b = ~seed, c = seed * 3;
  for (unsigned i = 0; i < rounds; i++) {
    a = a * 6364136223846793005u + b;
    b ^= a >> 29 | c << 7;
    c += a ^ i;
  }
  return a ^ b ^ c;
}

_Thread_local siginfo_t caught;
static _Thread_local sigjmp_buf back;

static void catch (int number, siginfo_t* information, void* context) {
  (void)context;
  // The alignment check may be on.
  __asm__ volatile("pushfq; andq $~0x40000, (%%rsp); popfq" ::: "memory", "cc");
  caught = *information;
  siglongjmp(back, number);
}

int signal_of(void (*act)(void* with), void* with) {
  static const int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
  const struct sigaction action = {.sa_sigaction = catch, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  for (unsigned i = 0; i < sizeof kSignals / sizeof *kSignals; i++)
    sigaction(kSignals[i], &action, NULL);
  const int number = sigsetjmp(back, 1);
  if (number == 0) act(with);
  return number;
}

int in_child(int (*act)(void)) {
  const pid_t child = fork();
  if (child == 0) _exit(act());
  int status = -1;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  return status;
}

int main(int count, char** words) {
  static const struct {
    const char* name;
    void (*run)(void);
  } kPrograms[] = {
#define PROGRAM(name) {#name, name},
#include "programs.inc"
#undef PROGRAM
  };
  // As processes_run_others starts it.
  if (count == 3 && strcmp(words[1], "exit") == 0) return atoi(words[2]);
  int all = 0;
  for (unsigned i = 0; i < sizeof kPrograms / sizeof *kPrograms; i++) {
    if (count == 2 && strcmp(words[1], kPrograms[i].name) != 0) continue;
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      kPrograms[i].run();
      _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    printf("%s: %s\n", kPrograms[i].name, status == 0 ? "as on a processor" : "FAILED");
    if (status != 0) printf("status %#x\n", status);
    fflush(stdout);
    all |= status;
  }
  return all != 0;
}
