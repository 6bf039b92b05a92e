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

#define PROGRAM(name) void name(void);
#include "programs.inc"
#undef PROGRAM

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
