// SPDX-License-Identifier: MIT
// Programs of user space that would notice if they were not run as a processor runs them. Each is a
// function that ends its process with a line where something is otherwise; `programs` runs them
// all, each in a process of its own.
#pragma once

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

// Each file's code is in pages of its own: those of the C library have instructions that keep
// whole pages from being run by the processor itself.
__asm__(".text\n.balign 4096\n");

#define PROGRAMS(X)                                                                             \
  X(signals_leave_registers_alone)                                                              \
  X(signals_come_on_other_stacks)                                                               \
  X(exceptions_are_signals)                                                                     \
  X(single_steps_are_counted)                                                                   \
  X(rights_are_those_of_the_tables) X(files_end) X(code_modifies_itself)                        \
      X(code_comes_by_another_mapping) X(code_becomes_executable) X(processes_fork)             \
          X(processes_run_others) X(seccomp_filters) X(tracers_step) X(tracers_break_and_watch) \
              X(segment_bases_are_kept) X(rounding_is_kept) X(vector_registers_are_kept)        \
                  X(system_calls_keep_registers) X(vsyscalls_answer) X(processor_answers_alike) \
                      X(threads_count) X(threads_lose_rights) X(threads_see_new_pages)          \
                          X(threads_see_new_code)

#define DECLARE(name) void name(void);
PROGRAMS(DECLARE)
#undef DECLARE

// Ends the process, with a line, unless that is so.
#define CHECK(condition) ((condition) ? (void)0 : failed(#condition, __FILE__, __LINE__))
void failed(const char* what, const char* file, int line);

// Something that takes a while, in registers alone.
uint64_t compute(uint64_t seed, unsigned rounds);

// Runs `act`; the signal that it raised, 0 if none, and in `caught` what came with it.
extern _Thread_local siginfo_t caught;
int signal_of(void (*act)(void* with), void* with);

// Starts a process that does that and ends with what it returns; its status when it has ended.
int in_child(int (*act)(void));
