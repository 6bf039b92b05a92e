// SPDX-License-Identifier: MIT
// A kernel that is linked where it will map itself to later: its header names a virtual address as
// the entry, and the loader enters at the physical one.
#define VIRTUAL 0xc0000000
#include "elf.inc"

    .globl start
start:
    mov ebp, eax
    mov esp, P(stack_top)
    call 1f
1:  pop ebx
    cmp ebx, P(1b)
    jne 2f
    print "entered at the physical address\n"
    cmp ebp, LOADER_MAGIC
    jne 2f
    print "with Multiboot's magic number\n"
2:  finish
